/**
 * Calls access functions inside QuickJS inside WebAssembly, within limits of time, memory and depth. Runs only in a worker process. Functions are untrusted:
 * they can access only their input. Each call starts from the same bytes of memory, so none can leave anything to the next.
 */
import type { QuickJSContext, QuickJSHandle } from "quickjs-emscripten-core";
import * as z from "zod/mini";
import { FUNCTION_FOUND_BYTES_MAX, FUNCTION_REASON_LENGTH_MAX } from "@/src/core/access-functions/limits";
import { CUT_OFF_GRACE_MS, MESSAGE_LENGTH_MAX, WAIT_FACTOR } from "../limits";
import type { Answer, Job, Judgement, Limit } from "../messages";
import { createCpuClock } from "./cpu-clock";
import { FUNCTION_HARNESS } from "./function-harness";
import { createQuickJsFactory, type QuickJs, readText } from "./quickjs";
import { runWithTimeout } from "./run-with-timeout";

/** The name of the source in stack traces. */
const FILE = "function.js";
/** A source without `export default` is evaluated between parentheses. */
const PREFIX = "(";
/** The length of the finds in one answer after which no more cases are called. */
const FINDS_LENGTH_MAX = 1024 * 1024;

const stateSchema = z.union([
  z.object({ finds: z.array(z.string()) }),
  z.object({ allow: z.boolean(), reason: z.optional(z.string()) }),
  z.object({ failed: z.object({ cause: z.enum(["exception", "type"]), message: z.optional(z.string()), stack: z.optional(z.string()) }) }),
]);
type State = z.infer<typeof stateSchema>;

export interface FunctionMachine {
  /** Evaluates a source, without calling its function. Returns `nothing` if it is one function. Call `renew` afterwards. */
  check(job: Extract<Job, { kind: "check_function" }>): Answer;
  /** Calls the function for the first cases, in order, until half of the time limit has passed, but at least for one. Call `renew` afterwards. */
  judge(job: Extract<Job, { kind: "judge" }>): Answer;
  /** Restores the memory of the start. */
  renew(): Promise<void>;
}

type Harness = Record<"use" | "describe" | "start" | "state" | "settle", QuickJSHandle>;
type Instance = QuickJs<Harness>;

/** The source is not a function, or fails when it is evaluated. */
interface SourceProblem {
  message: string;
  line?: number;
  column?: number;
}

export async function createFunctionMachine(options: { timeoutMs: number; memoryBytesMax: number }): Promise<FunctionMachine> {
  const clock = createCpuClock(options);
  const create = createQuickJsFactory({ ...options, isLate: () => clock.late() !== undefined, load: loadHarness });
  let instance = await create();
  let image = instance.copy();
  let isCorrupted = false;

  /** Runs code that may not end. Returns undefined if it was stopped, which leaves WebAssembly in an undefined state. */
  function runInTime<Value>(run: () => Value): { value: Value } | { limit: Limit | "starved" } {
    isCorrupted = true;
    const result = runWithTimeout(run, options.timeoutMs * WAIT_FACTOR + CUT_OFF_GRACE_MS);
    const late = clock.late();
    if (!result.ended) return { limit: late ? toLate(late) : result.limit };
    isCorrupted = false;
    // QuickJS was interrupted. The function may have caught the error of the interruption, so its result is not used.
    return late ? { limit: toLate(late) } : { value: result.value };
  }

  return {
    check({ source }) {
      clock.start();
      const run = runInTime(() => load(instance, source));
      clock.stop();
      if ("limit" in run) return run.limit === "starved" ? { outcome: "starved" } : { outcome: "limit", limit: run.limit };
      return run.value === undefined ? { outcome: "nothing" } : { outcome: "invalid", ...run.value };
    },
    judge({ source, common, cases, found }) {
      clock.start();
      const judgements: Judgement[] = [];
      const texts = new Map(found);
      const run = runInTime(() => {
        const problem = load(instance, source);
        if (problem) {
          const failed: Judgement = { outcome: "failed", cause: "source", ...problem };
          judgements.push(...cases.map(() => failed));
          return;
        }
        const start = instance.copy();
        let findsLength = 0;
        const halfTime = performance.now() + options.timeoutMs / 2;
        for (const [index, each] of cases.entries()) {
          if (index > 0) instance.restore(start, { clears: false });
          const judgement = toJudgement(call(instance, { ...each, common, texts }), instance, source);
          // The function may have caught the error of the interruption, so its result is not used.
          if (clock.late()) return;
          judgements.push(judgement);
          if (judgement.outcome === "waits") findsLength += judgement.finds.reduce((sum, key) => sum + key.length, 0);
          if (findsLength > FINDS_LENGTH_MAX || instance.hasGrown() || performance.now() > halfTime) return;
        }
      });
      clock.stop();
      // A case that exceeds a limit after others gets a job of its own, with the whole time.
      if (judgements.length > 0) return { outcome: "judged", judgements };
      if ("value" in run || run.limit === "starved") return { outcome: "starved" };
      return { outcome: "judged", judgements: [{ outcome: "failed", cause: run.limit }] };
    },
    async renew() {
      if (isCorrupted || instance.hasGrown()) {
        instance = await create();
        image = instance.copy();
        // V8 is slow to collect memory outside of its heap.
        globalThis.gc?.();
      } else instance.restore(image, { clears: true });
      isCorrupted = false;
    },
  };
}

function toLate(late: Answer): Limit | "starved" {
  return late.outcome === "starved" ? "starved" : "time";
}

function loadHarness(context: QuickJSContext): Harness {
  const functions = context.unwrapResult(context.evalCode(FUNCTION_HARNESS, "harness.js"));
  const getFunction = (name: string) => context.getProp(functions, name);
  return {
    use: getFunction("use"),
    describe: getFunction("describe"),
    start: getFunction("start"),
    state: getFunction("state"),
    settle: getFunction("settle"),
  };
}

/** Evaluates the source, and gives its function to the harness. Handles are not disposed of, because the memory is restored. */
function load(instance: Instance, source: string): SourceProblem | undefined {
  const { context } = instance;
  const expression = `${PREFIX}${source.replace(/[\s;]+$/, "")}\n)`;
  const evaluated = context.evalCode(expression, FILE, { type: "global", strict: true });
  if (!evaluated.error) return use(instance, evaluated.value);
  const problem = describe(instance, source, evaluated.error, PREFIX.length);
  // Only a module can have an export, so its own error is the better one.
  return /\bexport\b/.test(source) ? loadModule(instance, source) : problem;
}

function loadModule(instance: Instance, source: string): SourceProblem | undefined {
  const { runtime, context } = instance;
  const evaluated = context.evalCode(source, FILE, { type: "module" });
  if (evaluated.error) return describe(instance, source, evaluated.error);
  const pending = runtime.executePendingJobs();
  if (pending.error) return { message: "The function failed." };
  let exported: QuickJSHandle = evaluated.value;
  const state = context.getPromiseState(exported);
  if (state.type === "pending") return { message: "The module awaits something that never settles." };
  if (state.type === "rejected") return describe(instance, source, state.error);
  if (state.notAPromise !== true) exported = state.value;
  return use(instance, context.getProp(exported, "default"));
}

function use({ context, loaded }: Instance, value: QuickJSHandle): SourceProblem | undefined {
  const used = context.callFunction(loaded.use, context.undefined, value);
  if (!used.error && context.typeof(used.value) === "string") return undefined;
  return { message: "The source is not one function. Use (request) => …, or export default it." };
}

/** `shift`: the number of characters that were put before the first line. */
function describe({ context, loaded }: Instance, source: string, error: QuickJSHandle, shift = 0): SourceProblem {
  const described = context.callFunction(loaded.describe, context.undefined, error);
  if (described.error) return { message: "The source failed." };
  const parsed = stateSchema.safeParse(JSON.parse(context.getString(described.value)));
  const { message = "The source failed.", stack } = parsed.success && "failed" in parsed.data ? parsed.data.failed : {};
  const { line, column } = toPlace(stack, shift);
  if (line === undefined) return { message: toShort(message) };
  // The source ends where something was expected.
  const lines = countLines(source);
  return line > lines
    ? { message: toShort(message), line: lines }
    : { message: toShort(message), line, ...(column === undefined ? {} : { column }) };
}

/** The place of the topmost frame in the source. */
function toPlace(stack = "", shift = 0): { line?: number; column?: number } {
  const [, line, column] = /function\.js:(\d{1,7})(?::(\d{1,7}))?/.exec(stack) ?? [];
  if (line === undefined) return {};
  const place = { line: Number(line) };
  return column === undefined ? place : { ...place, column: Math.max(1, Number(column) - (place.line === 1 ? shift : 0)) };
}

interface Call {
  operation: string;
  common: string;
  record: string;
  input: string;
  /** The results of finds, by key. */
  texts: ReadonlyMap<string, string>;
}

/** Calls the function until it has a verdict, fails, or waits for a find whose result is not known. */
function call(instance: Instance, { operation, common, record, input, texts }: Call): State | { cause: Limit | "pending" } {
  const { runtime, context, loaded } = instance;
  const given = [operation, common, record, input].map((text) => context.newString(text));
  const begun = context.callFunction(loaded.start, context.undefined, ...given);
  if (begun.error) return toBroken(instance);
  let foundLength = 0;
  for (;;) {
    if (runtime.executePendingJobs().error) return toBroken(instance);
    const state = stateSchema.parse(JSON.parse(readText(context, loaded.state) ?? "null"));
    if (!("finds" in state)) return state;
    if (state.finds.length === 0) return { cause: "pending" };
    if (!state.finds.every((key) => texts.has(key))) return state;
    for (const key of new Set(state.finds)) {
      const text = texts.get(key) ?? "";
      foundLength += text.length;
      const settled = foundLength > FUNCTION_FOUND_BYTES_MAX ? TOO_MUCH_FOUND : text;
      const result = context.callFunction(loaded.settle, context.undefined, context.newString(key), context.newString(settled));
      if (result.error) return toBroken(instance);
    }
  }
}

const TOO_MUCH_FOUND = JSON.stringify({
  error: { status: 413, code: "find_limit", message: `find: the results of one call have ${FUNCTION_FOUND_BYTES_MAX} bytes at most.` },
});

/** The cause of a failure that the function did not cause by throwing. */
function toBroken(instance: Instance): { cause: Limit } {
  return { cause: instance.isNearlyFull() ? "memory" : "depth" };
}

function toJudgement(state: ReturnType<typeof call>, instance: Instance, source: string): Judgement {
  if ("cause" in state) return { outcome: "failed", cause: state.cause };
  if ("finds" in state) return { outcome: "waits", finds: [...new Set(state.finds)] };
  if ("failed" in state) {
    const { cause, message, stack } = state.failed;
    const limit = toLimit(message, instance);
    if (limit) return { outcome: "failed", cause: limit };
    const { line } = toPlace(stack);
    const isLine = line !== undefined && line <= countLines(source);
    return { outcome: "failed", cause, ...(message === undefined ? {} : { message: toShort(message) }), ...(isLine ? { line } : {}) };
  }
  const { allow, reason } = state;
  if (reason !== undefined && reason.length > FUNCTION_REASON_LENGTH_MAX) return { outcome: "failed", cause: "output" };
  return { outcome: "verdict", allow, ...(reason === undefined ? {} : { reason }) };
}

function countLines(source: string): number {
  return source.split("\n").length;
}

/** The limit that an error of QuickJS reports. When memory runs out, the error itself can be missing. */
function toLimit(message: string | undefined, instance: Instance): Limit | undefined {
  if (message === undefined) return instance.isNearlyFull() ? "memory" : undefined;
  if (message === "InternalError: out of memory" || message === "InternalError: string too long") return "memory";
  return message === "InternalError: stack overflow" ? "depth" : undefined;
}

function toShort(message: string): string {
  return message.slice(0, MESSAGE_LENGTH_MAX);
}
