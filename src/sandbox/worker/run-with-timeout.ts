/** Runs synchronous code that may never end, with a timeout. */
import vm from "node:vm";
import type { Limit } from "../messages";

export type TimedRun<Value> = { ended: true; value: Value } | { ended: false; limit: Limit };

/** The global variable through which the script below gets the function to run, because a script can access only globals. */
const SLOT = "restedSandboxRun";
const SCRIPT = new vm.Script(`globalThis.${SLOT}()`);

/**
 * Returns the result of `run`, or the limit that it exceeded: `timeoutMs` of elapsed time, or the depth of the stack. After an exceeded limit, the state of
 * everything that `run` used is undefined. Other errors are passed on. V8 stops JavaScript, WebAssembly and regular expressions.
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
  throw new Error("The function was not run.");
}
