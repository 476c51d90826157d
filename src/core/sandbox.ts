/** The interface of the sandbox, which evaluates JSONata expressions and JSON Schemas outside of the server process. The adapter is src/sandbox. */
import type { CallerPath } from "@/src/core/access/caller-path";

/** On whose behalf the sandbox works. */
export interface SandboxOptions {
  /** Queued jobs are served round robin by account, project and caller. Default: one caller for all. */
  caller?: CallerPath | undefined;
  /** Aborts when the result is no longer needed. A job that has not started is dropped and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Evaluates untrusted code (JSONata expressions, JSON Schemas) outside of the server process, with limits of time, memory and output. */
export interface Sandbox {
  /**
   * Evaluates a JSONata expression on a JSON text and returns JSON text, or undefined if the expression selects nothing. `input` may be a function,
   * which is called when the job starts, so that queued jobs hold no input; its errors are passed on. Throws `jsonata_invalid` with the position if
   * the expression cannot be parsed or fails, `jsonata_limit` if it exceeds a limit, and `server_busy` if too many jobs are queued.
   */
  evaluate(expression: string, input: string | (() => Promise<string>), options?: SandboxOptions): Promise<string | undefined>;
  /**
   * Returns for which JSON texts a JSONata expression is true (by `$boolean`), in their order. The result may cover only the first texts, as many as
   * one job has time and memory for, but at least one. Without texts the expression is only parsed. Throws what `evaluate` throws, for an expression
   * that cannot be parsed and for the first text only.
   */
  filter(expression: string, inputs: readonly string[], options?: SandboxOptions): Promise<boolean[]>;
  /**
   * Validates JSON texts against a JSON Schema (2020-12, as JSON text). Returns the first problems of the first text that does not match, or
   * undefined if all match. Throws `schema_limit` if a limit is exceeded, and `server_busy` if too many jobs are queued.
   */
  validate(schema: string, bodies: readonly string[], options?: SandboxOptions): Promise<SchemaMismatch | undefined>;
  /** Describes the problem of an invalid JSON Schema. Undefined if the schema is valid. Throws `schema_limit`, `server_busy`. */
  checkSchema(schema: string, options?: SandboxOptions): Promise<string | undefined>;
  /** Describes why a source is not an access function (S8). Undefined if it is one. Throws `server_busy`, `rate_limited`. */
  checkFunction(source: string, options?: SandboxOptions): Promise<FunctionProblem | undefined>;
  /**
   * Calls an access function (S8) for each case, in their order, and returns the outcomes of the first ones: as many as one job has time for, but at least one.
   * Each call starts from the same state. `onBegin` is called when a worker is free for the job. Throws `server_busy`, `rate_limited`, and the signal's reason.
   */
  judgeFunction(request: FunctionRequest, options?: SandboxOptions & { onBegin?: (() => void) | undefined }): Promise<FunctionJudgement[]>;
}

/** Lines and columns start at 1. */
export interface FunctionProblem {
  message: string;
  line?: number | undefined;
  column?: number | undefined;
}

export interface FunctionRequest {
  source: string;
  /** JSON text: `{ user, request, now }`. `now` is in milliseconds since 1970. */
  common: string;
  cases: readonly FunctionCase[];
  /** The known results of finds, by their key: JSON texts of `{ records }` or `{ error: { status, code, message } }`. */
  found: readonly (readonly [key: string, text: string])[];
}

export interface FunctionCase {
  operation: string;
  /** JSON texts; `null` if there is no record or no input. */
  record: string;
  input: string;
}

/**
 * The outcome of a call. `waits`: it needs the results of these finds, and is called again with them. `pending`: its promise never settles. `source`: the source is
 * not a function. `type`: it returned something else than a verdict. `output`: the reason is too long. The message can quote data, so it must not be logged.
 */
export type FunctionJudgement =
  | { outcome: "verdict"; allow: boolean; reason?: string | undefined }
  | { outcome: "failed"; cause: FunctionFailure; message?: string | undefined; line?: number | undefined; column?: number | undefined }
  | { outcome: "waits"; finds: readonly string[] };

export type FunctionFailure = "exception" | "type" | "pending" | "source" | "time" | "memory" | "depth" | "output";

export interface SchemaMismatch {
  /** The index of the body; 0 is the first. */
  index: number;
  /** The problems, at most 20, by JSON pointer into the body ("" is the whole body). */
  problems: Readonly<Record<string, string>>;
}
