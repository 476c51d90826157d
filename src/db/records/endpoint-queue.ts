/** Queues all writers of a process, one at a time for each endpoint, so that at most one connection waits for the lock of an endpoint's row. */
import { createByteBudget } from "@/src/core/limits/byte-budget";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { createRowBusyError } from "@/src/db/errors";
import type { AppError } from "@/src/shared/errors";

/** How many writers run at once, each at another endpoint. */
const PERMITS_DEFAULT = 5;
/** The maximum number of queued writers: for one endpoint, and in total. */
const WAITING_PER_ENDPOINT_MAX = 1_000;
const WAITING_MAX = 10_000;
/** The maximum number of data bytes that writers hold: for one endpoint, and in total. */
const BYTES_PER_ENDPOINT_MAX = 64 * 1024 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;
/** A writer that is queued for longer is rejected. */
export const WRITE_WAIT_MS_MAX = 10_000;

export interface EndpointQueueOptions {
  /** How many writers run at once. Each needs a connection. Default: 5. */
  permits?: number;
  /** How long a writer may be queued, in milliseconds. Default: 10,000. */
  waitMsMax?: number;
}

export interface EndpointQueue {
  /**
   * Runs `work`, which locks the endpoint's row, and settles as it does. Within an endpoint the order is first in, first out; endpoints are served
   * round robin. Calls `work` immediately if nothing is queued before it. `bytes`: the data that is held in the meantime. Throws `server_busy`,
   * without calling `work`, if too much is queued or it waited for 10 s. `work` must settle in bounded time and must not call `run` for the same
   * endpoint.
   */
  run<T>(endpointId: string, work: () => Promise<T>, bytes?: number): Promise<T>;
  /** The number of running writers. */
  readonly running: number;
  /** The number of queued writers. */
  readonly waiting: number;
}

/** `endpointId`s have the dashes of a UUID. Another row's id, such as a user's, can be used to queue the writers of that row. */
export function createEndpointQueue({
  permits = PERMITS_DEFAULT,
  waitMsMax = WRITE_WAIT_MS_MAX,
}: EndpointQueueOptions = {}): EndpointQueue {
  const semaphore = createFairSemaphore({
    permits,
    groupPermits: 1,
    waiting: { max: WAITING_MAX, groupMax: [WAITING_PER_ENDPOINT_MAX] },
    waitMsMax,
    createBusyError: createEndpointBusyError,
  });
  const budget = createByteBudget({
    max: BYTES_MAX,
    groupMax: [BYTES_PER_ENDPOINT_MAX],
    createBusyError: createEndpointBusyError,
  });

  return {
    get running() {
      return semaphore.running;
    },
    get waiting() {
      return semaphore.waiting;
    },
    async run(endpointId, work, bytes = 0) {
      const path = [endpointId];
      if (bytes === 0) return semaphore.run(path, work);
      const hold = budget.hold(path, bytes);
      try {
        return await semaphore.run(path, work);
      } finally {
        hold.release();
      }
    },
  };
}

/** The `server_busy` of a writer that waited too long or is one of too many. */
export function createEndpointBusyError(): AppError {
  return createRowBusyError(
    "Too many writes are waiting at this endpoint, or one of them takes too long. Send fewer at once, or try again shortly.",
  );
}
