/** Runs code of this process that may never end by itself. It must not know what it runs. */
import vm from "node:vm";
import type { Limit } from "../messages";

export type TimedRun<Value> = { ended: true; value: Value } | { ended: false; limit: Limit };

/** Where the script below finds what to run: it can only see globals. */
const SLOT = "restedSandboxRun";
const SCRIPT = new vm.Script(`globalThis.${SLOT}()`);

/**
 * What `run` answers; or that it was cut off after `timeoutMs`, or exhausted the stack. What it worked on is in an unknown state then. Other
 * errors are passed on. V8 ends loops of JavaScript, WebAssembly and regular expressions alike.
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
