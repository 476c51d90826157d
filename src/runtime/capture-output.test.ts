import { EventEmitter } from "node:events";
import { expect, it, vi } from "vitest";
import { captureOutput } from "./capture-output";

function setUp() {
  const printed = vi.fn();
  const entries: { level: string; context: object; message: string }[] = [];
  const add = (level: string) => (context: object, message: string) => void entries.push({ level, context, message });
  const log = { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
  const console = { error: printed, warn: printed, info: printed, log: printed, debug: printed, trace: printed };
  const warnings = new EventEmitter();
  warnings.on("warning", printed);
  captureOutput({ log, console, warnings });
  return { printed, entries, console, warnings };
}

it("[E8] the output of libraries becomes log entries without colours, and nothing is printed", () => {
  const { printed, entries, console } = setUp();
  console.log("\u001b[32m✓\u001b[0m %s in %d ms", "ready", 5);
  console.warn("[ioredis] careful\nreally", { a: 1 });
  console.error("");
  expect(entries).toEqual([
    { level: "info", context: {}, message: "✓ ready in 5 ms" },
    { level: "warn", context: {}, message: "[ioredis] careful\nreally { a: 1 }" },
  ]);
  expect(printed).not.toHaveBeenCalled();
});

it("[E8] an error is logged in its own member, with its stack and causes", () => {
  const { entries, console } = setUp();
  const error = new Error("the page failed");
  console.error(" ⨯", error);
  console.error(error);
  expect(entries).toEqual([
    { level: "error", context: { err: error }, message: "⨯ the page failed" },
    { level: "error", context: { err: error }, message: "the page failed" },
  ]);
});

it("[E8] warnings of Node.js are logged, not printed", () => {
  const { printed, entries, warnings } = setUp();
  const warning = new Error("SECURITY WARNING: the SSL modes …");
  warnings.emit("warning", warning);
  expect(entries).toEqual([{ level: "warn", context: { err: warning }, message: "warning of a library or of Node.js" }]);
  expect(printed).not.toHaveBeenCalled();
});

it("[E8] an entry has a limit", () => {
  const { entries, console } = setUp();
  console.error("x".repeat(100_000));
  expect(entries[0]?.message).toHaveLength(8_192);
});
