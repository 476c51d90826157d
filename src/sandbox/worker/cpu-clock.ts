/** Measures a job by what this process computes for it: one that waits for the processor while others have it is not to blame. */
import { WAIT_FACTOR } from "../limits";
import type { Answer } from "../messages";

export interface CpuClock {
  /** A job begins. */
  start(): void;
  /** None is under way: nothing is too late. */
  stop(): void;
  /** What to answer a job whose time is up; undefined: it has some left. */
  late(): Answer | undefined;
}

/** `timeoutMs`: of computing. The time that passes meanwhile may be WAIT_FACTOR times as long. */
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
