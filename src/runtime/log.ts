/** The process's structured log: one JSON object per line on standard error. Never pass bodies, keys, tokens or passwords to it. */
import pino from "pino";
import type { Config } from "@/src/config/config";
import type { Log } from "@/src/core/log";

const CAUSES_MAX = 5;

/**
 * `context.err` is written with its name, code, message, stack and causes. `base`: members of every line, such as the name of the process, if the server has
 * several.
 */
export function createLog({ logLevel }: Pick<Config, "logLevel">, base: Readonly<Record<string, string>> | null = null): Log {
  return pino(
    { level: logLevel, base, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: toLoggedError } },
    pino.destination({ dest: 2, sync: true }),
  );
}

interface LoggedError {
  name: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: LoggedError;
}

/** A fixed set of members, because drivers attach clients and statements, with the data of requests, to their errors. */
export function toLoggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...("code" in error && typeof error.code === "string" ? { code: error.code } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth >= CAUSES_MAX ? {} : { cause: toLoggedError(cause, depth + 1) }),
  };
}
