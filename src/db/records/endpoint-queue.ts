/** The queue of all writers of a process: one at a time at each endpoint, so that no more than one of its connections waits for an endpoint's row. */
import { createByteBudget } from "@/src/core/limits/byte-budget";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { createRowBusyError } from "@/src/db/errors";
import type { AppError } from "@/src/shared/errors";

/** Writers at work at once, at as many endpoints. */
const TURNS_MAX = 5;
/** Writers that may wait at one endpoint, and in all. */
const WAITING_PER_ENDPOINT_MAX = 1_000;
const WAITING_MAX = 10_000;
/** Bytes of data that writers may hold at one endpoint, and in all. */
const BYTES_PER_ENDPOINT_MAX = 64 * 1024 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;
/** A writer whose turn has not come by then is refused. */
export const WRITE_WAIT_MS_MAX = 10_000;

export interface EndpointQueueOptions {
  /** Writers at work at once; each needs a connection. Default 5. */
  turns?: number;
  /** How long a writer waits for its turn, in milliseconds; default 10,000. */
  waitMsMax?: number;
}

export interface EndpointQueue {
  /**
   * Runs `work`, which takes the endpoint's row lock, when its turn has come, and settles as it does: first come, first served at one endpoint, and
   * the endpoints by turns. Calls `work` at once when nothing is ahead of it. `bytes`: of data that are held meanwhile.
   * Throws `server_busy` when too much waits, or when the turn does not come within 10 s; `work` is then not called.
   * `work` must settle in bounded time, and must not wait for another turn at the same endpoint.
   */
  run<T>(endpointId: string, work: () => Promise<T>, bytes?: number): Promise<T>;
  /** Writers at work. */
  readonly running: number;
  /** Writers that wait for their turn. */
  readonly waiting: number;
}

/** `endpointId`s have the dashes of a UUID. The id of another row, e.g. a user's, serves as well where writers wait for that one. */
export function createEndpointQueue({ turns = TURNS_MAX, waitMsMax = WRITE_WAIT_MS_MAX }: EndpointQueueOptions = {}): EndpointQueue {
  const semaphore = createFairSemaphore({
    permits: turns,
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

/** `server_busy` for a writer that waited for too long, or beside too many others. */
export function createEndpointBusyError(): AppError {
  return createRowBusyError(
    "Too many writes are waiting at this endpoint, or one of them takes too long. Send fewer at once, or try again shortly.",
  );
}
