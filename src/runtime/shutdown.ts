/** Stops the process in order when a signal asks for it. */
import type { Log } from "@/src/core/ports";

/** A stop that takes longer is cut off: a supervisor would kill the process anyway. */
const STOP_TIMEOUT_MS = 15_000;

export interface ShutdownOptions {
  log: Log;
  /** Tells load balancers to send nothing more; requests are still served. */
  drain: () => void;
  /** How long, before `stop`; 0: not at all. */
  drainMs: number;
  stop: () => Promise<void>;
}

/**
 * Runs `stop` once on SIGINT, SIGTERM or SIGHUP, then exits. SIGTERM drains first: that is what supervisors send. A second signal ends the draining, and
 * one while it stops exits at once.
 */
export function stopOnSignals({ log, drain, drainMs, stop }: ShutdownOptions): void {
  let stopping = false;
  let draining: NodeJS.Timeout | undefined;

  const stopNow = () => {
    clearTimeout(draining);
    stopping = true;
    log.info({}, "stopping");
    setTimeout(() => {
      log.error({}, "stopping took too long; exiting");
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "stopping failed");
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    log.info({ signal }, "a signal asks the server to stop");
    if (signal !== "SIGTERM" || drainMs === 0 || draining) return stopNow();
    drain();
    log.info({ drainMs }, "draining");
    draining = setTimeout(stopNow, drainMs);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}
