/** A structured log, as the rules see it. */
/** What a log line may hold besides an error. */
type LogValue = string | number | boolean | null | undefined | readonly LogValue[] | { readonly [name: string]: LogValue };

/** Errors belong in `err`, the one member that is written with message, stack and causes; under any other name they would be written as `{}`. */
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
