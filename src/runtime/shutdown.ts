/** Stops the process in order when it is told to. It must not know what is stopped. */
import type { Log } from "@/src/core/ports";

/** A stop that takes longer is cut off: a supervisor would kill the process anyway. */
const STOP_TIMEOUT_MS = 15_000;

/** Runs `stop` once on SIGINT, SIGTERM or SIGHUP, then exits; a second signal exits at once. */
export function stopOnSignals({ log, stop }: { log: Log; stop: () => Promise<void> }): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
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
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}
