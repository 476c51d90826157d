/** The process's structured log: one JSON object a line on standard error. It must never be given bodies, keys, tokens or passwords. */
import pino from "pino";
import type { Config } from "@/src/config/config";
import type { Log } from "@/src/core/ports";

/** `context.err` is written with its message, stack and cause. */
export function createLog({ logLevel }: Pick<Config, "logLevel">): Log {
  return pino(
    { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: pino.stdSerializers.errWithCause } },
    pino.destination({ dest: 2, sync: true }),
  );
}
