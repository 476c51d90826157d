/** The entry point of the server: parses the configuration and runs. */
import { fileURLToPath } from "node:url";
import { parseConfig } from "@/src/config/config";
import { run } from "@/src/runtime/run";

try {
  await run(parseConfig(process.env), fileURLToPath(import.meta.url));
} catch (error) {
  // For the person who starts it, not for the log.
  process.stderr.write(`Rested could not start. ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  // Next.js and the pools can hold handles open, but a server that cannot start must exit.
  setImmediate(() => process.exit());
}
