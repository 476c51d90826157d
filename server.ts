/** The entry point of the server: parses the configuration, boots, installs the runtime and listens. */
import { parseConfig } from "@/src/config/config";
import { announce, prepareAccounts } from "@/src/runtime/announce";
import { boot } from "@/src/runtime/boot";
import { captureOutput } from "@/src/runtime/capture-output";
import { createLog } from "@/src/runtime/log";
import { installRuntime } from "@/src/runtime/registry";
import { handleSignals } from "@/src/runtime/shutdown";
import { listen } from "@/src/runtime/web/listen";

try {
  const config = parseConfig(process.env);
  // In development, the output of Next.js goes to the terminal as it is.
  if (config.mode === "production") captureOutput({ log: createLog(config) });
  const booted = await boot(config);
  try {
    await prepareAccounts(booted.runtime);
    installRuntime(booted.runtime);
    const web = await listen(booted);
    const { log } = booted.runtime;
    const reload = async () => booted.certificates?.reload();
    handleSignals({ log, drain: web.drain, drainMs: config.drainMs, stop: web.stop, reload });
    await announce(booted.runtime, web.url);
  } catch (error) {
    // The built-in PostgreSQL must not outlive a server that could not start.
    await booted.stop();
    throw error;
  }
} catch (error) {
  // For the person who starts it, not for the log.
  process.stderr.write(`Rested could not start. ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  // Next.js and the pools can hold handles open, but a server that cannot start must exit.
  setImmediate(() => process.exit());
}
