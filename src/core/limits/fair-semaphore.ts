/** Lets a bounded number of pieces of work run at once; the rest wait in a fair queue, for a bounded time. */
import { createFairQueue, type FairQueueLimits } from "@/src/core/limits/fair-queue";
import { createWeightedQueue, type WeightedQueueLimits } from "@/src/core/limits/weighted-queue";
import type { AppError } from "@/src/shared/errors";

export interface FairSemaphoreOptions {
  /** Pieces of work that run at once. */
  permits: number;
  /** Of them, those of one group of the first level. Default: no limit of its own. */
  groupPermits?: number;
  /** What may wait (see {@link FairQueueLimits}); with weights, the groups of the first level are classes (see {@link WeightedQueueLimits}). */
  waiting: FairQueueLimits | WeightedQueueLimits;
  /** Whatever has waited for so long is refused. */
  waitMsMax: number;
  /** The error of whatever is refused because too much waits, or because it waited too long: it says when to try again. */
  createBusyError: () => AppError;
}

export interface FairSemaphore {
  /**
   * Runs `work` when its turn has come, and settles as it does. `path`: on whose behalf, e.g. account, project, caller (see FairQueue). Work that waits
   * is dropped when `signal` aborts, and rejects with its reason. Throws the busy error when too much waits or the turn does not come in time.
   */
  run<T>(path: readonly string[], work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Pieces of work that run, and that wait. */
  readonly running: number;
  readonly waiting: number;
}

export function createFairSemaphore({
  permits,
  groupPermits = permits,
  waiting,
  waitMsMax,
  createBusyError,
}: FairSemaphoreOptions): FairSemaphore {
  const queue = "weights" in waiting ? createWeightedQueue<() => void>(waiting) : createFairQueue<() => void>(waiting);
  /** Of the first level; groups of which nothing runs are not kept. */
  const runningByGroup = new Map<string, number>();
  let running = 0;

  const isBlocked = (group: string) => (runningByGroup.get(group) ?? 0) >= groupPermits;

  function acquire(group: string): void {
    running += 1;
    runningByGroup.set(group, (runningByGroup.get(group) ?? 0) + 1);
  }

  function release(group: string): void {
    running -= 1;
    const left = (runningByGroup.get(group) ?? 0) - 1;
    if (left > 0) runningByGroup.set(group, left);
    else runningByGroup.delete(group);
    serve();
  }

  function serve(): void {
    while (running < permits) {
      const start = queue.take(isBlocked);
      if (!start) return;
      start();
    }
  }

  /** Settles with a permit taken. */
  function waitForTurn(path: readonly string[], group: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const start = () => {
        settle();
        acquire(group);
        resolve();
      };
      const drop = (error: unknown) => {
        if (!queue.remove(path, start)) return;
        settle();
        reject(error);
      };
      const onAbort = () => drop(signal?.reason);
      const timer = setTimeout(() => drop(createBusyError()), waitMsMax);
      signal?.addEventListener("abort", onAbort);
      if (queue.add(path, start)) return;
      settle();
      reject(createBusyError());
    });
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return queue.size;
    },
    async run(path, work, signal) {
      signal?.throwIfAborted();
      const [group = ""] = path;
      // Nobody is overtaken: whatever waits while a permit is free is blocked by its group.
      if (running < permits && !isBlocked(group)) acquire(group);
      else await waitForTurn(path, group, signal);
      try {
        return await work();
      } finally {
        release(group);
      }
    },
  };
}
