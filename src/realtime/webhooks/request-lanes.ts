/**
 * Bounds the requests of all webhooks of a node (H7). Receivers can hang, on purpose too. Therefore a request holds its place for a limited time, after which it
 * is slow, and the requests of an account with a slow one have few places of their own for a while.
 */
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import { createSlowAccounts } from "@/src/core/limits/slow-accounts";
import { AppError } from "@/src/shared/errors";

/** Requests that are not slow: in total, and of one account. */
const AT_ONCE_MAX = 64;
const PER_OWNER_MAX = 16;
/** The same of accounts with a slow request. */
const SLOW_OWNERS_AT_ONCE_MAX = 32;
const PER_SLOW_OWNER_MAX = 4;
/** Slow accounts that are remembered. */
const SLOW_OWNERS_MAX = 10_000;
const WAITING_MAX = 10_000;
/** Longer than any wait: each request has a time limit, and the number of webhooks that wait is bounded. */
const WAIT_MS_MAX = 3_600_000;

export interface RequestLanes {
  /** Runs `work` as soon as the account has a place, in turns by account and webhook. Settles as `work` does. Throws `server_busy`, and the signal's reason. */
  run<T>(path: readonly [ownerId: string, webhookId: string], work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  isSlow(ownerId: string): boolean;
  listSlow(): string[];
}

/** `slowMs`: a request that takes longer is slow. `now`: monotonic, in milliseconds. */
export function createRequestLanes({ slowMs, now = () => performance.now() }: { slowMs: number; now?: () => number }): RequestLanes {
  const createLane = (permits: number, groupPermits: number) =>
    createFairSemaphore({
      ...{ permits, groupPermits, waiting: { max: WAITING_MAX }, waitMsMax: WAIT_MS_MAX },
      createBusyError: () => new AppError("server_busy", { detail: "Too many webhooks wait to be delivered.", retryAfterSeconds: 1 }),
    });
  const normal = createLane(AT_ONCE_MAX, PER_OWNER_MAX);
  const slow = createLane(SLOW_OWNERS_AT_ONCE_MAX, PER_SLOW_OWNER_MAX);
  const slowOwners = createSlowAccounts({ max: SLOW_OWNERS_MAX, now });
  const isSlow = slowOwners.has;

  return {
    isSlow,
    listSlow: slowOwners.list,
    async run(path, work, signal) {
      const [ownerId] = path;
      let working: ReturnType<typeof work> | undefined;
      /** Holds a place until `work` ends, or is slow. In the lane of slow accounts slow requests keep their places, because nothing else bounds them. */
      const hold = (isSlowLane: boolean) => () => {
        // The account may have become slow while this waited.
        if (!isSlowLane && isSlow(ownerId)) return Promise.resolve();
        const started = work();
        working = started;
        return new Promise<void>((free) => {
          const timer = setTimeout(() => {
            slowOwners.mark(ownerId);
            if (!isSlowLane) free();
          }, slowMs);
          timer.unref();
          const end = () => {
            clearTimeout(timer);
            free();
          };
          started.then(end, end);
        });
      };
      if (!isSlow(ownerId)) await normal.run(path, hold(false), signal);
      if (!working) await slow.run(path, hold(true), signal);
      if (!working) throw new Error("a request was not started");
      return working;
    },
  };
}
