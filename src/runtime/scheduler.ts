/** Runs the process's periodic jobs. */
import type { Log } from "@/src/core/log";

export interface Job {
  name: string;
  intervalMs: number;
  run(): Promise<void> | void;
  /** Makes a run that is under way return early, at shutdown. */
  stop?(): void;
}

/**
 * Starts every job on its interval, counted from the end of its last run. The first failure in a row is logged, and the success after it. `stop` settles
 * after the runs that are under way.
 */
export function startScheduler({ jobs, log }: { jobs: readonly Job[]; log: Log }): { stop(): Promise<void> } {
  const loops = jobs.map((job) => startLoop(job, log));
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

function startLoop(job: Job, log: Log): { stop(): Promise<void> } {
  let stopped = false;
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const runOnce = async () => {
    try {
      await job.run();
      if (isFailing) log.info({ job: job.name }, "periodic job recovered");
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ job: job.name, err: error }, "periodic job failed");
      isFailing = true;
    }
  };
  const schedule = () => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = runOnce().then(schedule);
    }, job.intervalMs);
    timer.unref();
  };
  schedule();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      job.stop?.();
      return running;
    },
  };
}
