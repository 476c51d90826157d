/** Measures the CPU time of a job, so that time spent waiting for a processor does not count. */
import { WAIT_FACTOR } from "../limits";
import type { Answer } from "../messages";

export interface CpuClock {
  /** Starts a job. */
  start(): void;
  /** Stops measuring. `late` returns undefined until the next start. */
  stop(): void;
  /** Returns the answer for a job that exceeded its time, or undefined if it has time left. */
  late(): Answer | undefined;
}

/** `timeoutMs` limits the CPU time. The elapsed time may be WAIT_FACTOR times as long. */
export function createCpuClock({ timeoutMs }: { timeoutMs: number }): CpuClock {
  let begun: { at: number; used: NodeJS.CpuUsage } | undefined;
  return {
    start: () => {
      begun = { at: performance.now(), used: process.cpuUsage() };
    },
    stop: () => {
      begun = undefined;
    },
    late: () => {
      if (begun === undefined || performance.now() - begun.at < timeoutMs) return undefined;
      const { user, system } = process.cpuUsage(begun.used);
      if ((user + system) / 1_000 >= timeoutMs) return { outcome: "limit", limit: "time" };
      return performance.now() - begun.at >= timeoutMs * WAIT_FACTOR ? { outcome: "starved" } : undefined;
    },
  };
}
