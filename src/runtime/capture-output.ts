/** Writes the output of libraries to the log, so that everything on standard error is one JSON object per line. */
import type { EventEmitter } from "node:events";
import { format, stripVTControlCharacters } from "node:util";
import type { Log } from "@/src/core/log";

/** The most characters of one entry. */
const MESSAGE_LENGTH_MAX = 8_192;

const LEVELS = { error: "error", warn: "warn", info: "info", log: "info", debug: "debug", trace: "debug" } as const;
type Method = keyof typeof LEVELS;

interface Options {
  log: Pick<Log, "debug" | "info" | "warn" | "error">;
  /** Default: the process's own console. */
  console?: Record<Method, (...values: unknown[]) => void>;
  /** The emitter of `warning` events. Default: the process. */
  warnings?: EventEmitter;
}

/** Replaces the methods of `console`, which Next.js, ioredis and pg use, and the listener of Node.js that prints warnings. */
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
