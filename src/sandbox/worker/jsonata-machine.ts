/**
 * Evaluates JSONata inside QuickJS inside WebAssembly, within limits of time, memory and depth. Runs only in a worker process. Expressions are untrusted: they
 * can access only their input, and leave nothing for the next one.
 */
import jsonataSource from "jsonata/jsonata.min.js";
import type { QuickJSContext, QuickJSHandle } from "quickjs-emscripten-core";
import * as z from "zod/mini";
import { CUT_OFF_GRACE_MS, MESSAGE_LENGTH_MAX, WAIT_FACTOR } from "../limits";
import type { Answer } from "../messages";
import { createCpuClock } from "./cpu-clock";
import { HARNESS } from "./jsonata-harness";
import { createQuickJsFactory, type QuickJs, readText } from "./quickjs";
import { runWithTimeout } from "./run-with-timeout";

const failureSchema = z.union([
  z.object({ broken: z.literal(true) }),
  z.object({ limit: z.enum(["memory", "depth"]) }),
  z.object({ message: z.string(), position: z.optional(z.number()) }),
]);

export interface JsonataMachine {
  /**
   * Evaluates one expression. Call `renew` before the next one: every evaluation starts from the same bytes of memory, so none can leave anything to the next,
   * not even by breaking out of QuickJS.
   */
  evaluate(expression: string, input: string): Answer;
  /**
   * Tests the expression on the inputs, in order, until half of the time limit has passed. If a later input fails or exceeds a limit, returns the results
   * before it, and the caller evaluates that input in another job. Call `renew` afterwards, as for `evaluate`.
   */
  filter(expression: string, inputs: readonly string[]): Answer;
  /** Restores the memory of the start. */
  renew(): Promise<void>;
}

type Harness = Record<"start" | "compile" | "test" | "failure" | "text", QuickJSHandle>;
type Instance = QuickJs<Harness>;

/** Creates a machine that is ready for its first evaluation. */
export async function createJsonataMachine(options: {
  timeoutMs: number;
  memoryBytesMax: number;
  resultBytesMax: number;
}): Promise<JsonataMachine> {
  const clock = createCpuClock(options);
  const create = createQuickJsFactory({ ...options, isLate: () => clock.late() !== undefined, load: loadHarness });
  let instance = await create();
  let image = instance.copy();
  let isCorrupted = false;

  function runInTime(run: () => Answer): Answer {
    clock.start();
    // An evaluation that is stopped leaves WebAssembly in an undefined state.
    isCorrupted = true;
    const result = runWithTimeout(run, options.timeoutMs * WAIT_FACTOR + CUT_OFF_GRACE_MS);
    const late = clock.late();
    clock.stop();
    if (!result.ended) return late ?? { outcome: "limit", limit: result.limit };
    isCorrupted = false;
    // QuickJS was interrupted. The expression may have caught the error of the interruption.
    return result.value.outcome === "invalid" && late ? late : result.value;
  }

  return {
    evaluate: (expression, input) => runInTime(() => evaluate(instance, expression, input, options.resultBytesMax)),
    filter(expression, inputs) {
      const verdicts: boolean[] = [];
      const answer = runInTime(() => {
        const problem = compile(instance, expression);
        if (problem) return problem;
        const halfTime = performance.now() + options.timeoutMs / 2;
        for (const input of inputs) {
          const tested = test(instance, input);
          if (tested.outcome !== "text") return tested;
          // The expression may have caught the interruption, so its result is not used.
          const late = clock.late();
          if (late) return late;
          verdicts.push(tested.text === "true");
          if (performance.now() > halfTime) break;
        }
        return { outcome: "verdicts", verdicts };
      });
      return verdicts.length > 0 ? { outcome: "verdicts", verdicts } : answer;
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

function loadHarness(context: QuickJSContext): Harness {
  context.unwrapResult(context.evalCode(jsonataSource, "jsonata.js")).dispose();
  const functions = context.unwrapResult(context.evalCode(HARNESS, "harness.js"));
  const getFunction = (name: string) => context.getProp(functions, name);
  return {
    start: getFunction("start"),
    compile: getFunction("compile"),
    test: getFunction("test"),
    failure: getFunction("failure"),
    text: getFunction("text"),
  };
}

/** Evaluates an expression. Only texts enter and leave QuickJS. Handles are not disposed of, because the memory is restored. */
function evaluate(instance: Instance, expression: string, input: string, resultBytesMax: number): Answer {
  const { context } = instance;
  const outcome = run(instance, "start", [context.newString(JSON.stringify(expression)), context.newString(input), newSeed(context)]);
  if (outcome.outcome !== "text" || Buffer.byteLength(outcome.text) <= resultBytesMax) return outcome;
  return { outcome: "limit", limit: "output" };
}

/** Compiles an expression for `test`. Returns undefined, or the answer if it cannot be compiled. */
function compile(instance: Instance, expression: string): Answer | undefined {
  const { context } = instance;
  const outcome = run(instance, "compile", [context.newString(JSON.stringify(expression)), newSeed(context)]);
  return outcome.outcome === "nothing" ? undefined : outcome;
}

/** Tests one input. The result is the text `true` or `false`. Handles are disposed of, because all inputs share the same memory. */
function test(instance: Instance, input: string): Answer {
  const text = instance.context.newString(input);
  const outcome = run(instance, "test", [text]);
  text.dispose();
  return outcome;
}

function newSeed(context: QuickJSContext): QuickJSHandle {
  return context.newNumber(Math.floor(Math.random() * 2 ** 32));
}

function run(instance: Instance, name: "start" | "compile" | "test", inputs: QuickJSHandle[]): Answer {
  const { runtime, context, loaded: harness } = instance;
  const begun = context.callFunction(harness[name], context.undefined, ...inputs);
  if (begun.error) return toBroken(instance);
  begun.value.dispose();
  const pending = runtime.executePendingJobs();
  if (pending.error) return toBroken(instance);
  const failed = readText(context, harness.failure);
  if (failed !== undefined) return toAnswer(failed, instance);
  const answer = readText(context, harness.text);
  return answer === undefined ? { outcome: "nothing" } : { outcome: "text", text: answer };
}

function toAnswer(failure: string, instance: Instance): Answer {
  const parsed = failureSchema.safeParse(JSON.parse(failure));
  if (!parsed.success || "broken" in parsed.data) return toBroken(instance);
  if ("limit" in parsed.data) return { outcome: "limit", limit: parsed.data.limit };
  const { message, position } = parsed.data;
  return { outcome: "invalid", message: message.slice(0, MESSAGE_LENGTH_MAX), ...(position === undefined ? {} : { position }) };
}

/** Returns the answer for an error that JSONata did not report itself. When memory runs out, jsonata can fail with any error. */
function toBroken(instance: Instance): Answer {
  if (instance.isNearlyFull()) return { outcome: "limit", limit: "memory" };
  return { outcome: "invalid", message: "The expression failed." };
}
