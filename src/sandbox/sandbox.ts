/** The sandbox (R6, R10): evaluates JSONata and JSON Schemas in separate processes, within limits. */
import { availableParallelism } from "node:os";
import type { CountExchange } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import type { Sandbox } from "@/src/core/sandbox";
import { AppError } from "@/src/shared/errors";
import { JSONATA_BYTES_MAX, JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";
import type { Answer, Limit, WorkerKind } from "./messages";
import { createPool, toJudgeLength } from "./pool";
import { createCpuBudget } from "./worker/cpu-budget";
import { findWorkerScript } from "./worker-script";

/**
 * The number of workers of a kind that one account may use at a time. There are at least two, because a hostile expression would block a single one until its
 * time is up.
 */
const JSONATA_WORKERS_MIN = 2;
const JSONATA_WORKERS_MAX = 8;
const SCHEMA_WORKERS = 2;
const FUNCTION_WORKERS = 2;
/** Filters have their own workers, so that streams never wait for plain evaluations. */
const FILTER_WORKERS = 2;
/** Additional workers of each kind, started when several accounts have jobs at a time. */
const SPARE_WORKERS = 1;
/** JSONata gets only the CPU time that plain requests leave. */
const LOWEST_NICENESS = 19;
/** Schema checks, access functions and filters have a higher priority than JSONata, because writes and streams wait for them. */
const LOW_NICENESS = 10;
const MIB = 1024 * 1024;
/** The maximum number of inputs of one filter job, and of their characters. They share the memory of a worker, and other jobs wait meanwhile. */
const FILTER_INPUTS_MAX = 256;
const FILTER_LENGTH_MAX = MIB;

export interface SandboxSettings {
  /** The maximum CPU time of one expression or check, in milliseconds. Waiting for a worker or for the processor does not count. */
  timeoutMs: number;
  /** The maximum memory of one expression or check, in addition to the memory that the process itself needs. */
  memoryBytesMax: number;
  /** The maximum size of an expression's result as UTF-8. Default: 2 MiB. */
  resultBytesMax?: number | undefined;
  /** The maximum CPU time per minute of the expressions and checks of one caller. An account may use twice as much. 0, the default, means no limit. */
  cpuMsPerMinute?: number | undefined;
  /** Counts CPU time together with the other workers of this server. */
  exchange?: CountExchange | undefined;
  log: Pick<Log, "warn">;
}

/** Starts no process before its first use. `close` kills the processes and refuses waiting jobs. The processes also exit when this process is killed. */
export function createSandbox({
  timeoutMs,
  memoryBytesMax,
  resultBytesMax = 2 * MIB,
  cpuMsPerMinute = 0,
  exchange,
  log,
}: SandboxSettings): Sandbox & { close(): Promise<void> } {
  let script: Promise<string> | undefined;
  const findScript = () => {
    script ??= findWorkerScript();
    script.catch(() => {
      script = undefined;
    });
    return script;
  };
  const budget = createCpuBudget({ msPerMinute: cpuMsPerMinute, exchange });
  const createWorkers = (kind: WorkerKind, size: number, niceness: number) =>
    createPool({
      size: size + SPARE_WORKERS,
      accountMax: size,
      heavyMax: Math.max(1, size - 1),
      settings: { kind, timeoutMs, memoryBytesMax, resultBytesMax },
      niceness,
      findScript,
      log,
      budget,
    });
  const expressions = createWorkers(
    "jsonata",
    Math.min(Math.max(JSONATA_WORKERS_MIN, availableParallelism() - 1), JSONATA_WORKERS_MAX),
    LOWEST_NICENESS,
  );
  const filters = createWorkers("jsonata", FILTER_WORKERS, LOW_NICENESS);
  const schemas = createWorkers("schema", SCHEMA_WORKERS, LOW_NICENESS);
  const functions = createWorkers("function", FUNCTION_WORKERS, LOW_NICENESS);

  const refuse = (answer: Answer): AppError => {
    if (answer.outcome === "invalid") return new AppError("jsonata_invalid", { detail: toExpressionProblem(answer) });
    if (answer.outcome === "limit")
      return new AppError("jsonata_limit", { detail: toLimitDetail(answer.limit, { timeoutMs, memoryBytesMax, resultBytesMax }) });
    return answer.outcome === "starved" ? createStarvedError() : createUnexpectedError(answer);
  };

  return {
    async evaluate(expression, input, options = {}) {
      requireShort(expression);
      const prepare = async () => {
        const text = typeof input === "string" ? input : await input();
        requireSmall(text);
        return { kind: "evaluate" as const, expression, input: text };
      };
      const answer = await expressions.run({ ...options, prepare, length: typeof input === "string" ? input.length : 0 });
      if (answer.outcome === "text") {
        // Checked here too, because a compromised worker could exceed the limit.
        if (Buffer.byteLength(answer.text) > resultBytesMax) throw refuse({ outcome: "limit", limit: "output" });
        return answer.text;
      }
      if (answer.outcome === "nothing") return undefined;
      throw refuse(answer);
    },
    async filter(expression, inputs, options = {}) {
      requireShort(expression);
      const taken = takeInputs(inputs);
      const length = taken.reduce((sum, input) => sum + input.length, 0);
      const prepare = () => ({ kind: "filter" as const, expression, inputs: taken });
      const answer = await filters.run({ ...options, prepare, length });
      if (answer.outcome === "verdicts" && (answer.verdicts.length > 0 || taken.length === 0))
        return answer.verdicts.slice(0, taken.length);
      throw refuse(answer);
    },
    async validate(schema, bodies, options = {}) {
      const length = bodies.reduce((sum, body) => sum + body.length, schema.length);
      const prepare = () => ({ kind: "validate" as const, schema, bodies: [...bodies] });
      const answer = await schemas.run({ ...options, prepare, length });
      switch (answer.outcome) {
        case "nothing":
          return undefined;
        case "mismatch":
          return { index: answer.index, problems: answer.problems };
        case "limit":
          throw new AppError("schema_limit");
        case "starved":
          throw createStarvedError();
        case "invalid":
        case "text":
        case "verdicts":
        case "judged":
          // The schema was checked when it was stored.
          throw createUnexpectedError(answer);
      }
    },
    async checkSchema(schema, options = {}) {
      const prepare = () => ({ kind: "check_schema" as const, schema });
      const answer = await schemas.run({ ...options, prepare, length: schema.length });
      switch (answer.outcome) {
        case "nothing":
          return undefined;
        case "invalid":
          return answer.message;
        case "limit":
          throw new AppError("schema_limit", { detail: "Checking this schema exceeds a limit. Simplify it." });
        case "starved":
          throw createStarvedError();
        case "mismatch":
        case "text":
        case "verdicts":
        case "judged":
          throw createUnexpectedError(answer);
      }
    },
    async checkFunction(source, options = {}) {
      const prepare = () => ({ kind: "check_function" as const, source });
      const answer = await functions.run({ ...options, prepare, length: source.length });
      if (answer.outcome === "nothing") return undefined;
      if (answer.outcome === "invalid") return { message: answer.message, line: answer.line, column: answer.column };
      if (answer.outcome === "limit") return { message: "Evaluating the source exceeds a limit." };
      throw answer.outcome === "starved" ? createStarvedError() : createUnexpectedError(answer);
    },
    async judgeFunction({ source, common, cases, found }, options = {}) {
      const job = { source, common, cases: [...cases], found: found.map(([key, text]): [string, string] => [key, text]) };
      const prepare = () => {
        options.onBegin?.();
        return { kind: "judge" as const, ...job };
      };
      const answer = await functions.run({ ...options, prepare, length: toJudgeLength(job) });
      if (answer.outcome === "judged" && answer.judgements.length <= cases.length) return answer.judgements;
      // The worker was killed, so it is not known which case exceeded the limit. The first one is judged alone.
      if (answer.outcome === "limit" && cases.length > 1)
        return this.judgeFunction({ source, common, cases: cases.slice(0, 1), found }, options);
      if (answer.outcome === "limit") return [{ outcome: "failed", cause: answer.limit }];
      throw answer.outcome === "starved" ? createStarvedError() : createUnexpectedError(answer);
    },
    async close() {
      await Promise.all([expressions.close(), filters.close(), schemas.close(), functions.close()]);
    },
  };
}

function requireShort(expression: string): void {
  if (Buffer.byteLength(expression) <= JSONATA_BYTES_MAX) return;
  throw new AppError("jsonata_limit", { detail: `The JSONata expression is too long. The limit is ${JSONATA_BYTES_MAX / 1024} KiB.` });
}

function requireSmall(input: string): void {
  if (Buffer.byteLength(input) <= JSONATA_INPUT_BYTES_MAX) return;
  const detail = `The input of the JSONata expression is too large. The limit is ${JSONATA_INPUT_BYTES_MAX / MIB} MiB. Select fewer records.`;
  throw new AppError("jsonata_limit", { detail });
}

/** Returns the first inputs that fit into one job, but at least one. Throws `jsonata_limit` if the first input is too large by itself. */
function takeInputs(inputs: readonly string[]): string[] {
  let length = 0;
  const taken: string[] = [];
  for (const input of inputs.slice(0, FILTER_INPUTS_MAX)) {
    length += input.length;
    if (taken.length > 0 && length > FILTER_LENGTH_MAX) break;
    taken.push(input);
  }
  const [first] = taken;
  if (first !== undefined) requireSmall(first);
  return taken;
}

function toExpressionProblem({ message, position }: Extract<Answer, { outcome: "invalid" }>): string {
  const place = position === undefined ? "" : ` at position ${position}`;
  return `The JSONata expression is not valid${place}: ${message}`;
}

function toLimitDetail(
  limit: Limit,
  { timeoutMs, memoryBytesMax, resultBytesMax }: { timeoutMs: number; memoryBytesMax: number; resultBytesMax: number },
): string {
  switch (limit) {
    case "time":
      return `The JSONata expression takes more than ${timeoutMs} ms. Simplify it, or select fewer records.`;
    case "memory":
      return `The JSONata expression needs more than ${Math.floor(memoryBytesMax / MIB)} MiB of memory. Simplify it, or select fewer records.`;
    case "depth":
      return "The JSONata expression recurses too deeply. Simplify it.";
    case "output":
      return `The result of the JSONata expression has more than ${resultBytesMax} bytes. Select less.`;
  }
}

function createStarvedError(): AppError {
  return new AppError("server_busy", {
    detail: "The server is too busy for expressions, access functions and schema checks. Try again shortly.",
  });
}

function createUnexpectedError(answer: Answer): AppError {
  return new AppError("internal_error", { internal: `a sandbox worker returned ${answer.outcome}` });
}
