/** The process's structured log: one JSON object a line on standard error. It must never be given bodies, keys, tokens or passwords. */
import pino from "pino";
import type { Config } from "@/src/config/config";
import type { Log } from "@/src/core/log";

const CAUSES_MAX = 5;

/** `context.err` is written with its name, code, message, stack and causes. */
export function createLog({ logLevel }: Pick<Config, "logLevel">): Log {
  return pino(
    { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: toLoggedError } },
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

/** A closed set of members: drivers hang whole clients and statements, with what people sent, on their errors. */
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
