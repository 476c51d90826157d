/**
 * Deep-merges JSON objects as texts (R4): numbers keep their digits and keys their order, which a round through JSON.parse would lose.
 * It must not validate: both texts are valid JSON, as everything stored is.
 */
import { closingQuote } from "@/src/core/json-text";
import { JSON_DEPTH_MAX } from "@/src/shared/protocol";

/**
 * `patch` merged into `target`; both texts of JSON objects. Objects are merged member by member, anything else is replaced. Existing
 * keys keep their place, new ones follow; of duplicate keys the last counts. Takes time linear in both lengths.
 */
export function mergeJsonObjects(target: string, patch: string): string {
  const from = parse(target);
  const by = parse(patch);
  if (!from.members || !by.members) throw new TypeError("mergeJsonObjects needs two JSON objects.");
  const pieces: string[] = [];
  writeMerged(from.members, by.members, pieces);
  return pieces.join("");
}

interface Value {
  /** The value as it is written. */
  text: string;
  /** Of an object that may have to be merged. */
  members?: Members;
}

/** By decoded key, in order. A Map, because an object would reorder integer-like keys and trip over `__proto__`. */
type Members = Map<string, { keyText: string; value: Value }>;

function writeMerged(target: Members, patch: Members, pieces: string[]): void {
  let separator = "{";
  for (const [key, { keyText, value }] of target) {
    pieces.push(separator, keyText, ":");
    separator = ",";
    const replacement = patch.get(key)?.value;
    if (value.members && replacement?.members) writeMerged(value.members, replacement.members, pieces);
    else pieces.push((replacement ?? value).text);
  }
  for (const [key, { keyText, value }] of patch) {
    if (target.has(key)) continue;
    pieces.push(separator, keyText, ":", value.text);
    separator = ",";
  }
  pieces.push(separator === "{" ? "{}" : "}");
}

function parse(text: string): Value {
  return new Reader(text).value(0);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Value {
    this.#skipSpace();
    const start = this.#at;
    // Nothing that was sent is nested deeper, so nothing deeper is ever merged: it stays text, and the recursion is bounded.
    if (this.#text[start] !== "{" || depth > JSON_DEPTH_MAX) {
      this.#skipValue();
      return { text: this.#text.slice(start, this.#at) };
    }
    const members = this.#members(depth);
    return { text: this.#text.slice(start, this.#at), members };
  }

  #members(depth: number): Members {
    const members: Members = new Map();
    this.#at += 1;
    this.#skipSpace();
    while (this.#at < this.#text.length && this.#text[this.#at] !== "}") {
      const keyStart = this.#at;
      this.#at = closingQuote(this.#text, keyStart) + 1;
      const keyText = this.#text.slice(keyStart, this.#at);
      this.#skipTo(":");
      const value = this.value(depth + 1);
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
