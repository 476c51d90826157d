/** Validates JSON texts without changing them: the bytes that were sent are stored (R1). */
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { createJsonScan, findJsonProblem, type JsonProblem } from "@/src/core/json/scanner";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { AppError } from "@/src/shared/errors";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

/** Up to this length JSON.parse validates fastest. For a longer, hostile text it would block too long. */
const SHORT_CHARACTERS = 16_384;
/** How much of a long text is scanned in one step. It takes about a millisecond. */
const CHARACTERS_PER_STEP = 16_384;

/**
 * Returns the JSON text to store: `text` without surrounding white space. Throws `body_invalid` with the position if it is not valid JSON, contains a
 * NUL character in a string or key, or is nested deeper than JSON_DEPTH_MAX.
 */
export function parseJsonText(text: string): string {
  return judge(text, text.length <= SHORT_CHARACTERS ? findShortProblem(text) : findJsonProblem(text, JSON_DEPTH_MAX));
}

/** The same, for a long text in steps between which other work runs, so that it does not block the event loop. */
export function parseLongJsonText(text: string): MaybePromise<string> {
  return text.length <= SHORT_CHARACTERS ? parseJsonText(text) : parseInSteps(text);
}

async function parseInSteps(text: string): Promise<string> {
  const scan = createJsonScan(text, JSON_DEPTH_MAX);
  while (!scan.advance(CHARACTERS_PER_STEP)) await yieldToOthers();
  return judge(text, scan.problem());
}

function judge(text: string, problem: JsonProblem | undefined): string {
  if (problem) throw new AppError("body_invalid", { detail: describe(problem, text) });
  return text.trim();
}

/** Like findJsonProblem, but faster for valid texts. */
function findShortProblem(text: string): JsonProblem | undefined {
  // `\u0000` can also be an escaped backslash before plain text. The scan distinguishes them.
  const isFine = isJson(text) && !text.includes("\\u0000") && !isDeeperThan(text, JSON_DEPTH_MAX);
  return isFine ? undefined : findJsonProblem(text, JSON_DEPTH_MAX);
}

/** True if the JSON text is an object. */
export function isJsonObject(text: string): boolean {
  return /^\s*\{/.test(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** True if the arrays and objects of a valid JSON text are nested deeper than `depthMax`. */
function isDeeperThan(text: string, depthMax: number): boolean {
  // Each level needs at least two characters.
  if (text.length <= 2 * depthMax) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = closingQuote(text, at);
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > depthMax) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
    }
  }
  return false;
}

/** The index of the quote that ends the string whose opening quote is at `start`, in a valid JSON text. The text's length if there is none. */
export function closingQuote(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (at >= 0) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  return text.length;
}

function describe({ kind, what, offset, path }: JsonProblem, text: string): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - before.lastIndexOf("\n");
  const where = `line ${line}, column ${column} (offset ${offset})`;
  switch (kind) {
    case "syntax":
      return `The body is not valid JSON at ${where}: ${what}.`;
    case "nul":
      return `The body cannot be stored: at ${where} ${what}. Remove it.`;
    case "depth":
      return `The body cannot be stored: at ${where} ${what}, at ${path}.`;
  }
}

/** The index of the first character at or after `start` that is not white space of JSON. */
export function skipSpace(text: string, start: number): number {
  for (let at = start; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
  }
}
