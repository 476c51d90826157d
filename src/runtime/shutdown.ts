/** Handles signals: SIGINT and SIGTERM stop the process in order, SIGHUP reloads its certificate. */
import tty from "node:tty";
import type { Log } from "@/src/core/log";

/** The process exits if stopping takes longer, because a supervisor would kill it anyway. */
const STOP_TIMEOUT_MS = 15_000;
/** Standard output and error. */
const OUTPUTS = [1, 2];

export interface SignalOptions {
  log: Log;
  /** Signals load balancers to send nothing more. Requests are still served. */
  drain: () => void;
  /** How long to drain before `stop`; 0: not at all. */
  drainMs: number;
  stop: () => Promise<void>;
  /** Must not reject. */
  reload: () => Promise<void>;
}

/**
 * Runs `stop` once on SIGINT or SIGTERM, then exits. SIGTERM, which supervisors send, drains first. A second signal ends the draining; a signal while the process
 * stops makes it exit at once.
 * SIGHUP runs `reload`, so that the process outlives its terminal under `nohup`. If the process writes to a terminal that was closed, SIGHUP stops it instead.
 * Node.js resets the signal setting of `nohup` at start, so only the terminal distinguishes the two.
 */
export function handleSignals({ log, drain, drainMs, stop, reload }: SignalOptions): void {
  let stopping = false;
  let draining: NodeJS.Timeout | undefined;
  const terminals = OUTPUTS.filter((fd) => tty.isatty(fd));

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
  const onStop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    log.info({ signal }, "received a signal to stop");
    if (signal !== "SIGTERM" || drainMs === 0 || draining) return stopNow();
    drain();
    log.info({ drainMs }, "draining");
    draining = setTimeout(stopNow, drainMs);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onStop);
  process.on("SIGHUP", () => {
    // A closed terminal is no longer reported as one.
    if (terminals.some((fd) => !tty.isatty(fd))) return onStop("SIGHUP");
    log.info({ signal: "SIGHUP" }, "SIGHUP does not stop the server; it reloads the TLS certificate, if there is one");
    void reload();
  });
}
