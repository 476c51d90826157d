/** Runs code in this process that may never end by itself. */
import vm from "node:vm";
import type { Limit } from "../messages";

export type TimedRun<Value> = { ended: true; value: Value } | { ended: false; limit: Limit };

/** Where the script below finds the function to run: it can only access globals. */
const SLOT = "restedSandboxRun";
const SCRIPT = new vm.Script(`globalThis.${SLOT}()`);

/**
 * Returns the result of `run`, or that it was stopped after `timeoutMs` or exhausted the stack; then the state of everything that it used is undefined.
 * Other errors are passed on. V8 stops loops of JavaScript, WebAssembly and regular expressions alike.
 */
export function runWithTimeout<Value>(run: () => Value, timeoutMs: number): TimedRun<Value> {
  const values: Value[] = [];
  Reflect.set(globalThis, SLOT, () => void values.push(run()));
  try {
    SCRIPT.runInThisContext({ timeout: Math.max(1, Math.ceil(timeoutMs)) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ("code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return { ended: false, limit: "time" };
    if (error instanceof RangeError && /call stack/.test(error.message)) return { ended: false, limit: "depth" };
    throw error;
  } finally {
    Reflect.deleteProperty(globalThis, SLOT);
  }
  for (const value of values) return { ended: true, value };
  throw new Error("Nothing was run.");
}
