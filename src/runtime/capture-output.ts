/** Writes to the log what libraries print by themselves: one JSON object a line, like everything else on standard error. */
import type { EventEmitter } from "node:events";
import { format, stripVTControlCharacters } from "node:util";
import type { Log } from "@/src/core/log";

/** Characters of one entry. */
const MESSAGE_LENGTH_MAX = 8_192;

const LEVELS = { error: "error", warn: "warn", info: "info", log: "info", debug: "debug", trace: "debug" } as const;
type Method = keyof typeof LEVELS;

interface Options {
  log: Pick<Log, "debug" | "info" | "warn" | "error">;
  /** Default: the process's own. */
  console?: Record<Method, (...values: unknown[]) => void>;
  /** What emits `warning`. Default: the process. */
  warnings?: EventEmitter;
}

/** Replaces the methods of `console`, and Node's listener that prints warnings. Next, ioredis and pg use them. */
export function captureOutput({ log, console = globalThis.console, warnings = process }: Options): void {
  for (const [method, level] of Object.entries(LEVELS) as [Method, (typeof LEVELS)[Method]][])
    console[method] = (...values) => {
      const error = values.find((value) => value instanceof Error);
      const message = stripVTControlCharacters(format(...values.map((value) => (value === error ? error?.message : value)))).trim();
      if (message !== "") log[level](error ? { err: error } : {}, message.slice(0, MESSAGE_LENGTH_MAX));
    };
  warnings.removeAllListeners("warning");
  warnings.on("warning", (warning: Error) => log.warn({ err: warning }, "warning of a library or of Node.js"));
}
