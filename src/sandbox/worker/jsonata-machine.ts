/**
 * Evaluates JSONata inside QuickJS inside WebAssembly, within limits of time, memory and depth. Runs only in a worker process. Expressions are untrusted: they
 * can access only their input, and leave nothing for the next one.
 */
import release from "@jitl/quickjs-wasmfile-release-sync";
import wasm from "@jitl/quickjs-wasmfile-release-sync/wasm";
import jsonataSource from "jsonata/jsonata.min.js";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
} from "quickjs-emscripten-core";
import * as z from "zod/mini";
import { CUT_OFF_GRACE_MS, MESSAGE_LENGTH_MAX, WAIT_FACTOR } from "../limits";
import type { Answer } from "../messages";
import { createCpuClock } from "./cpu-clock";
import { HARNESS } from "./jsonata-harness";
import { runWithTimeout } from "./run-with-timeout";

/** WebAssembly counts memory in pages of 64 KiB. The module needs at least 256 of them. */
const PAGE_BYTES = 65_536;
const PAGES_MIN = 256;
/**
 * The stack that QuickJS may use. V8's own stack must be larger for the same calls (`--stack-size`). Otherwise V8 runs out first and leaves QuickJS
 * corrupted.
 */
const STACK_BYTES_MAX = 512 * 1024;
/** The part of the memory limit above which a failure counts as out of memory. Memory grows in large steps, so it may not reach the limit exactly. */
const NEARLY_FULL = 0.75;

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

interface Instance {
  memory: WebAssembly.Memory;
  /** The part of the memory that QuickJS may use. */
  memoryBytesMax: number;
  runtime: QuickJSRuntime;
  context: QuickJSContext;
  harness: Record<"start" | "compile" | "test" | "failure" | "text", QuickJSHandle>;
  /** The memory before the first evaluation, without the zeros at its end. */
  image: Uint8Array;
}

/** Creates a machine that is ready for its first evaluation. */
export async function createJsonataMachine(options: {
  timeoutMs: number;
  memoryBytesMax: number;
  resultBytesMax: number;
}): Promise<JsonataMachine> {
  const wasmModule = new WebAssembly.Module(wasm);
  const { memoryBytesMax } = options;
  const clock = createCpuClock(options);
  const isLate = () => clock.late() !== undefined;
  let instance = await createInstance({ wasmModule, memoryBytesMax, isLate });
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
      // Memory that has grown cannot shrink.
      if (isCorrupted || instance.memory.buffer.byteLength > PAGES_MIN * PAGE_BYTES) {
        instance = await createInstance({ wasmModule, memoryBytesMax, isLate });
        // V8 is slow to collect memory outside of its heap.
        globalThis.gc?.();
      } else restore(instance);
      isCorrupted = false;
    },
  };
}

async function createInstance({
  wasmModule,
  memoryBytesMax,
  isLate,
}: {
  wasmModule: WebAssembly.Module;
  memoryBytesMax: number;
  isLate: () => boolean;
}): Promise<Instance> {
  // The maximum is larger than the limit of QuickJS, because QuickJS loses some memory to fragmentation.
  const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: PAGES_MIN + Math.ceil(memoryBytesMax / PAGE_BYTES) });
  const quickJs = await newQuickJSWASMModuleFromVariant(newVariant(release, { wasmModule, wasmMemory: memory }));
  const runtime = quickJs.newRuntime({ memoryLimitBytes: memoryBytesMax, maxStackSizeBytes: STACK_BYTES_MAX });
  runtime.setInterruptHandler(isLate);
  const context = runtime.newContext();
  context.unwrapResult(context.evalCode(jsonataSource, "jsonata.js")).dispose();
  const functions = context.unwrapResult(context.evalCode(HARNESS, "harness.js"));
  const getFunction = (name: string) => context.getProp(functions, name);
  const harness = {
    start: getFunction("start"),
    compile: getFunction("compile"),
    test: getFunction("test"),
    failure: getFunction("failure"),
    text: getFunction("text"),
  };
  // Reading this creates the handle, which must be part of the image.
  void context.undefined;
  const bytes = new Uint8Array(memory.buffer);
  let length = bytes.byteLength;
  while (length > 0 && bytes[length - 1] === 0) length -= 1;
  return { memory, memoryBytesMax, runtime, context, harness, image: bytes.slice(0, length) };
}

function restore({ memory, image }: Instance): void {
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(image);
  bytes.fill(0, image.byteLength);
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
  const { runtime, context, harness } = instance;
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

/** Calls a function of the harness that returns a text or undefined. */
function readText(context: QuickJSContext, read: QuickJSHandle): string | undefined {
  const handle = context.unwrapResult(context.callFunction(read, context.undefined));
  const text = context.typeof(handle) === "string" ? context.getString(handle) : undefined;
  handle.dispose();
  return text;
}

function toAnswer(failure: string, instance: Instance): Answer {
  const parsed = failureSchema.safeParse(JSON.parse(failure));
  if (!parsed.success || "broken" in parsed.data) return toBroken(instance);
  if ("limit" in parsed.data) return { outcome: "limit", limit: parsed.data.limit };
  const { message, position } = parsed.data;
  return { outcome: "invalid", message: message.slice(0, MESSAGE_LENGTH_MAX), ...(position === undefined ? {} : { position }) };
}

/**
 * Returns the answer for an error that JSONata did not report itself. When memory runs out, jsonata can fail with any error. The memory of WebAssembly never
 * shrinks, so its size shows whether memory ran out.
 */
function toBroken({ memory, memoryBytesMax }: Instance): Answer {
  if (memory.buffer.byteLength > memoryBytesMax * NEARLY_FULL) return { outcome: "limit", limit: "memory" };
  return { outcome: "invalid", message: "The expression failed." };
}
