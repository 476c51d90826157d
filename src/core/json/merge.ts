/**
 * Deep-merges JSON objects as texts (R4): numbers keep their digits and keys their order, which a round through JSON.parse would lose.
 * It must not validate: both texts are valid JSON, as everything stored is.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { closingQuote } from "@/src/core/json/text";
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

/** After so many members of objects others get their turn: about a millisecond. */
const TURN_MEMBERS = 1000;

/**
 * `patch` merged into `target`; both texts of JSON objects. Objects are merged member by member, anything else is replaced. Existing
 * keys keep their place, new ones follow; of duplicate keys the last counts. Takes time linear in both lengths, with pauses in which
 * others get their turn: two objects of a mebibyte take a third of a second.
 */
export async function mergeJsonObjects(target: string, patch: string): Promise<string> {
  const merging = mergeInTurns(target, patch);
  for (;;) {
    const step = merging.next();
    if (step.done) return step.value;
    await nextTurn();
  }
}

/** Work that pauses: yields where others may get their turn, and returns its result. */
type Turns<Result> = Generator<void, Result>;

function* mergeInTurns(target: string, patch: string): Turns<string> {
  const clock = new TurnClock();
  const from = yield* new Reader(target, clock).read();
  const by = yield* new Reader(patch, clock).read();
  if (!from.members || !by.members) throw new TypeError("mergeJsonObjects needs two JSON objects.");
  const pieces: string[] = [];
  yield* writeMerged(from.members, by.members, pieces, clock);
  return pieces.join("");
}

class TurnClock {
  #members = 0;

  /** Counts a member. True: it is time to pause. */
  isOver(): boolean {
    this.#members = (this.#members + 1) % TURN_MEMBERS;
    return this.#members === 0;
  }
}

interface Value {
  /** The value as it is written. */
  text: string;
  /** Of an object that may have to be merged. */
  members?: Members;
}

/** By decoded key, in order. A Map, because an object would reorder integer-like keys and trip over `__proto__`. */
type Members = Map<string, { keyText: string; value: Value }>;

function* writeMerged(target: Members, patch: Members, pieces: string[], clock: TurnClock): Turns<void> {
  let separator = "{";
  for (const [key, { keyText, value }] of target) {
    if (clock.isOver()) yield;
    pieces.push(separator, keyText, ":");
    separator = ",";
    const replacement = patch.get(key)?.value;
    if (value.members && replacement?.members) yield* writeMerged(value.members, replacement.members, pieces, clock);
    else pieces.push((replacement ?? value).text);
  }
  for (const [key, { keyText, value }] of patch) {
    if (clock.isOver()) yield;
    if (target.has(key)) continue;
    pieces.push(separator, keyText, ":", value.text);
    separator = ",";
  }
  pieces.push(separator === "{" ? "{}" : "}");
}

class Reader {
  readonly #text: string;
  readonly #clock: TurnClock;
  #at = 0;

  constructor(text: string, clock: TurnClock) {
    this.#text = text;
    this.#clock = clock;
  }

  *read(): Turns<Value> {
    this.#skipSpace();
    return this.#text[this.#at] === "{" ? yield* this.#object(0) : this.#other();
  }

  *#object(depth: number): Turns<Value> {
    const start = this.#at;
    const members = yield* this.#members(depth);
    return { text: this.#text.slice(start, this.#at), members };
  }

  #other(): Value {
    const start = this.#at;
    this.#skipValue();
    return { text: this.#text.slice(start, this.#at) };
  }

  *#members(depth: number): Turns<Members> {
    const members: Members = new Map();
    this.#at += 1;
    this.#skipSpace();
    while (this.#at < this.#text.length && this.#text[this.#at] !== "}") {
      if (this.#clock.isOver()) yield;
      const keyStart = this.#at;
      this.#at = closingQuote(this.#text, keyStart) + 1;
      const keyText = this.#text.slice(keyStart, this.#at);
      this.#skipTo(":");
      this.#skipSpace();
      // Nothing that was sent is nested deeper, so nothing deeper is ever merged: it stays text, and the recursion is bounded.
      const value = this.#text[this.#at] === "{" && depth < JSON_DEPTH_MAX ? yield* this.#object(depth + 1) : this.#other();
      members.set(decodeKey(keyText), { keyText, value });
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

  /** Iterative: arrays may hold whatever was stored. */
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
          // The end of what contains a scalar.
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
