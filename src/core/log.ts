/** The interface of the structured log that the core writes to. */
/** The values that a log line can contain in addition to an error. */
type LogValue = string | number | boolean | null | undefined | readonly LogValue[] | { readonly [name: string]: LogValue };

/** Errors belong in `err`, the only member that is written with message, stack and causes. Under any other name an error would be written as `{}`. */
type LogContext<Context> = { readonly [Name in keyof Context]: Name extends "err" ? unknown : LogValue };

/** Writes one line of a structured log. */
export type LogLine = <Context extends object>(context: Context & LogContext<Context>, message: string) => void;

/** A structured log. `pino` satisfies it. */
export interface Log {
  debug: LogLine;
  info: LogLine;
  warn: LogLine;
  error: LogLine;
}
