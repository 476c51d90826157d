/** Runs a bounded number of tasks at once. Further tasks wait in a fair queue for a limited time. */
import { createFairQueue, type FairQueueLimits } from "@/src/core/limits/fair-queue";
import { createWeightedQueue, type WeightedQueueLimits } from "@/src/core/limits/weighted-queue";
import type { AppError } from "@/src/shared/errors";

export interface FairSemaphoreOptions {
  /** How many tasks run at once. */
  permits: number;
  /** How many of them may belong to one group of the first level. Default: no limit of its own. */
  groupPermits?: number;
  /**
   * The limits of the queue (see {@link FairQueueLimits}). With weights, the groups of the first level are classes (see {@link WeightedQueueLimits}).
   */
  waiting: FairQueueLimits | WeightedQueueLimits;
  /** A task that has waited this long is rejected. */
  waitMsMax: number;
  /** Creates the error of a task that is rejected because too many are queued or it waited too long. It should say when to try again. */
  createBusyError: () => AppError;
}

export interface FairSemaphore {
  /**
   * Runs `work` as soon as a permit is free, and settles as it does. `path` says on whose behalf, for example account, project, caller (see
   * FairQueue). If `signal` aborts while the task is queued, it is dropped and the promise rejects with the signal's reason. Throws the busy error if
   * too many tasks are queued or the task waited too long.
   */
  run<T>(path: readonly string[], work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The numbers of running and of queued tasks. */
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
  /** By group of the first level. Groups without running tasks are not kept. */
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

  /** Settles once a permit was acquired. */
  function waitForPermit(path: readonly string[], group: string, signal: AbortSignal | undefined): Promise<void> {
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
      // No queued task is overtaken: tasks that are queued while a permit is free are blocked by their group.
      if (running < permits && !isBlocked(group)) acquire(group);
      else await waitForPermit(path, group, signal);
      try {
        return await work();
      } finally {
        release(group);
      }
    },
  };
}
