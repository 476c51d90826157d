/** The sandbox as the rules see it: JSONata expressions and JSON Schemas evaluated outside of the server. Interfaces only; the adapter is src/sandbox. */
import type { CallerPath } from "@/src/core/access/caller-path";

/** On whose behalf a sandbox works. */
export interface SandboxOptions {
  /** Callers that wait take turns, by account, project and caller. Default: one caller for all. */
  caller?: CallerPath | undefined;
  /** Nobody waits for the answer any more: what has not begun is dropped, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Runs what others wrote (JSONata expressions, JSON Schemas) apart from the server, within limits of time, memory and output. */
export interface Sandbox {
  /**
   * Evaluates a JSONata expression on a JSON text, and answers JSON text (undefined: the expression selects nothing). A function as `input` is
   * called once the turn has come: what waits holds no input; what it raises is passed on. Raises `jsonata_invalid` with the position for an
   * expression that can't be parsed or fails, `jsonata_limit` when it takes too much, `server_busy` when too many wait.
   */
  evaluate(expression: string, input: string | (() => Promise<string>), options?: SandboxOptions): Promise<string | undefined>;
  /**
   * Of which of JSON texts a JSONata expression is true (by `$boolean`), in their order: of all, or of as many of the first as one turn has time and room
   * for, at least one. Without texts it only parses. Raises what `evaluate` raises: for an expression that can't be parsed, and for the first text alone.
   */
  filter(expression: string, inputs: readonly string[], options?: SandboxOptions): Promise<boolean[]>;
  /**
   * Checks JSON texts against a JSON Schema (2020-12, as JSON text); answers the first problems of the first one that does not match, and which it is.
   * Undefined: all match. Raises `schema_limit` when it takes too much, `server_busy` when too many wait.
   */
  validate(schema: string, bodies: readonly string[], options?: SandboxOptions): Promise<SchemaMismatch | undefined>;
  /** What is wrong with a JSON Schema itself; undefined: nothing. Raises `schema_limit`, `server_busy`. */
  checkSchema(schema: string, options?: SandboxOptions): Promise<string | undefined>;
}

export interface SchemaMismatch {
  /** Which of the bodies; 0 is the first. */
  index: number;
  /** By JSON pointer into the body ("" is the whole of it): what is wrong there. At most 20. */
  problems: Readonly<Record<string, string>>;
}
