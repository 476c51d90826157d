/** Measures the delay of the event loop over about the last minute, and logs a warning if it is high: then something delays all requests. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "@/src/core/clock";
import type { Log } from "@/src/core/log";
import type { Job } from "./scheduler";

/** The sampling interval of the monitor. Its readings include it, so it is subtracted. */
const RESOLUTION_MS = 10;
/** Two monitors are reset alternately. The older one covers the last 30 to 60 s. */
const ROTATE_INTERVAL_MS = 30_000;
const WARN_INTERVAL_MS = 60_000;
const P99_MS_MAX = 100;
const MAX_MS_MAX = 500;
const NANOSECONDS_PER_MS = 1_000_000;

/** In milliseconds, rounded to integers. */
export interface LoopDelayReading {
  p50: number;
  p99: number;
  max: number;
}

/** The used part of Node's histogram, in nanoseconds. */
export interface DelayMonitor {
  readonly max: number;
  percentile(percentile: number): number;
  reset(): void;
}

export interface LoopDelay {
  /** Covers the last 30 to 60 s, or the time since the start. */
  read(): LoopDelayReading;
  /** Moves the window, and logs a warning, at most once a minute, if the delay in it was too high. */
  job: Job;
  stop(): void;
}

/** Starts measuring. */
export function startLoopDelay({ log, clock }: { log: Pick<Log, "warn">; clock: Clock }): LoopDelay {
  const monitors = [0, 1].map(() => monitorEventLoopDelay({ resolution: RESOLUTION_MS }));
  for (const monitor of monitors) monitor.enable();
  const [older, newer] = monitors;
  if (!older || !newer) throw new Error("There are two monitors.");
  const stop = () => {
    for (const monitor of monitors) monitor.disable();
  };
  return { ...createLoopDelay({ older, newer, log, clock }), stop };
}

export function createLoopDelay({
  log,
  clock,
  ...monitors
}: {
  older: DelayMonitor;
  newer: DelayMonitor;
  log: Pick<Log, "warn">;
  clock: Clock;
}): Omit<LoopDelay, "stop"> {
  let { older, newer } = monitors;
  let warnedAt = Number.NEGATIVE_INFINITY;

  const read = () => toReading(older);

  function rotate(): void {
    const delay = read();
    const now = clock.now().getTime();
    if ((delay.p99 > P99_MS_MAX || delay.max > MAX_MS_MAX) && now - warnedAt >= WARN_INTERVAL_MS) {
      warnedAt = now;
      log.warn({ eventLoopDelayMs: { ...delay } }, "the event loop was delayed: a computation took too long, or the machine is overloaded");
    }
    older.reset();
    [older, newer] = [newer, older];
  }

  return { read, job: { name: "measure-event-loop-delay", intervalMs: ROTATE_INTERVAL_MS, run: rotate } };
}

function toReading(monitor: DelayMonitor): LoopDelayReading {
  const toMs = (nanoseconds: number) => Math.max(Math.round(nanoseconds / NANOSECONDS_PER_MS) - RESOLUTION_MS, 0);
  return { p50: toMs(monitor.percentile(50)), p99: toMs(monitor.percentile(99)), max: toMs(monitor.max) };
}
