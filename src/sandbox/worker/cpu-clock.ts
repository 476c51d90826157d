/** Limits a job by the CPU time of this process. A job that waits while other processes have the processor is not charged for the wait. */
import { WAIT_FACTOR } from "../limits";
import type { Answer } from "../messages";

export interface CpuClock {
  /** Starts a job. */
  start(): void;
  /** Stops measuring. Nothing exceeds its time after that. */
  stop(): void;
  /** The answer to a job whose time is up; undefined if it has time left. */
  late(): Answer | undefined;
}

/** `timeoutMs`: of CPU time. The elapsed time may be WAIT_FACTOR times as long. */
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
