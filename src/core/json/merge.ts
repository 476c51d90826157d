/**
 * Deep-merges JSON objects as texts (R4). Numbers keep their digits and keys their order, which JSON.parse would lose. Both texts must be valid JSON,
 * as all stored data is.
 */
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { closingQuote } from "@/src/core/json/text";
import type { MaybePromise } from "@/src/core/maybe-promise";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

/** Other work may run after this many members. They take about a millisecond. */
const MEMBERS_PER_STEP = 1000;

/** Texts that have together at most this many characters are merged in one step, which takes less than a millisecond. */
const SHORT_CHARACTERS = 16_384;

/**
 * Merges `patch` into `target`, both JSON texts of objects. Objects are merged member by member; any other value is replaced. Existing keys keep
 * their position, and new keys follow. Of duplicate keys the last one counts. Takes linear time. Returns a promise only for long texts, which are merged
 * in steps between which other work runs: merging two objects of 1 MiB takes about 0.3 s. Throws a TypeError if a text is not an object.
 */
export function mergeJsonObjects(target: string, patch: string): MaybePromise<string> {
  return target.length + patch.length > SHORT_CHARACTERS ? mergeLong(target, patch) : mergeAtOnce(target, patch);
}

function mergeAtOnce(target: string, patch: string): string {
  const merging = mergeInSteps(target, patch);
  for (;;) {
    const step = merging.next();
    if (step.done) return step.value;
  }
}

async function mergeLong(target: string, patch: string): Promise<string> {
  const merging = mergeInSteps(target, patch);
  for (;;) {
    const step = merging.next();
    if (step.done) return step.value;
    await yieldToOthers();
  }
}

/** Work in steps: yields after each step, where other work may run, and returns its result. */
type Steps<Result> = Generator<void, Result>;

function* mergeInSteps(target: string, patch: string): Steps<string> {
  const counter = new StepCounter();
  const by = yield* new Reader(patch, counter).read(undefined);
  // Most patches are small. The objects of the target that they do not change stay text, which is several times as fast as reading their members.
  const from = by.members && (yield* new Reader(target, counter).read(by.members));
  if (!from?.members || !by.members) throw new TypeError("mergeJsonObjects needs two JSON objects.");
  const pieces: string[] = [];
  yield* writeMerged(from.members, by.members, pieces, counter);
  return pieces.join("");
}

class StepCounter {
  #members = 0;

  /** Counts a member. Returns true if it is time for a pause. */
  isStepOver(): boolean {
    this.#members = (this.#members + 1) % MEMBERS_PER_STEP;
    return this.#members === 0;
  }
}

interface Value {
  /** The value as written. */
  text: string;
  /** Only for an object that may have to be merged. */
  members?: Members;
}

/** By decoded key, in order. A Map, because an object would reorder integer-like keys and mishandle `__proto__`. */
type Members = Map<string, { keyText: string; value: Value }>;

function* writeMerged(target: Members, patch: Members, pieces: string[], counter: StepCounter): Steps<void> {
  let separator = "{";
  for (const [key, { keyText, value }] of target) {
    if (counter.isStepOver()) yield;
    pieces.push(separator, keyText, ":");
    separator = ",";
    const replacement = patch.get(key)?.value;
    if (value.members && replacement?.members) yield* writeMerged(value.members, replacement.members, pieces, counter);
    else pieces.push((replacement ?? value).text);
  }
  for (const [key, { keyText, value }] of patch) {
    if (counter.isStepOver()) yield;
    if (target.has(key)) continue;
    pieces.push(separator, keyText, ":", value.text);
    separator = ",";
  }
  pieces.push(separator === "{" ? "{}" : "}");
}

class Reader {
  readonly #text: string;
  readonly #counter: StepCounter;
  #at = 0;

  constructor(text: string, counter: StepCounter) {
    this.#text = text;
    this.#counter = counter;
  }

  /** Reads the members of an object, and of an object in it only if `patch` has an object for its key. Undefined: of all objects. */
  *read(patch: Members | undefined): Steps<Value> {
    this.#skipSpace();
    return this.#text[this.#at] === "{" ? yield* this.#object(0, patch) : this.#other();
  }

  *#object(depth: number, patch: Members | undefined): Steps<Value> {
    const start = this.#at;
    const members = yield* this.#members(depth, patch);
    return { text: this.#text.slice(start, this.#at), members };
  }

  #other(): Value {
    const start = this.#at;
    this.#skipValue();
    return { text: this.#text.slice(start, this.#at) };
  }

  *#members(depth: number, patch: Members | undefined): Steps<Members> {
    const members: Members = new Map();
    this.#at += 1;
    this.#skipSpace();
    while (this.#at < this.#text.length && this.#text[this.#at] !== "}") {
      if (this.#counter.isStepOver()) yield;
      const keyStart = this.#at;
      this.#at = closingQuote(this.#text, keyStart) + 1;
      const keyText = this.#text.slice(keyStart, this.#at);
      const key = decodeKey(keyText);
      this.#skipTo(":");
      this.#skipSpace();
      // Sent bodies are not nested deeper, so deeper values are never merged. They stay text, which bounds the recursion.
      const inner = patch?.get(key)?.value.members;
      const isRead = this.#text[this.#at] === "{" && depth < JSON_DEPTH_MAX && (!patch || inner);
      members.set(key, { keyText, value: isRead ? yield* this.#object(depth + 1, inner) : this.#other() });
      this.#skipSpace();
      if (this.#text[this.#at] === ",") this.#at += 1;
      this.#skipSpace();
    }
    this.#at += 1;
    return members;
  }

  #skipTo(char: string): void {
    this.#skipSpace();
    if (this.#text[this.#at] === char) this.#at += 1;
  }

  /** Iterative, because values may be nested deeply. */
  #skipValue(): void {
    let open = 0;
    for (; this.#at < this.#text.length; this.#at += 1) {
      switch (this.#text[this.#at]) {
        case '"':
          this.#at = closingQuote(this.#text, this.#at);
          break;
        case "[":
        case "{":
          open += 1;
          break;
        case "]":
        case "}":
          // The end of the array or object that contains a scalar.
          if (open === 0) return;
          open -= 1;
          break;
        case ",":
        case " ":
        case "\n":
        case "\r":
        case "\t":
          if (open === 0) return;
          continue;
        default:
          continue;
      }
      if (open === 0) {
        this.#at += 1;
        return;
      }
    }
  }

  #skipSpace(): void {
    while (" \n\r\t".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }
}

function decodeKey(keyText: string): string {
  return keyText.includes("\\") ? String(JSON.parse(keyText)) : keyText.slice(1, -1);
}
