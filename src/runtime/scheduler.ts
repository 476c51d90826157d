/** Runs the process's periodic jobs. It must not know what they do. */
import type { Log } from "@/src/core/log";

export interface Job {
  name: string;
  intervalMs: number;
  run(): Promise<void> | void;
}

/** Starts every job on its interval. A run that is still going when the next is due makes it wait; a failure is logged once until it works again. */
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
      if (isFailing) log.info({ job: job.name }, "periodic job works again");
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
      return running;
    },
  };
}
