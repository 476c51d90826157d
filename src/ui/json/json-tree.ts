/**
 * Reads JSON text into a tree that keeps what `JSON.parse` loses: digits of numbers, order and repetition of keys, places in the text.
 * It says where broken text breaks. Pure.
 */
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

interface Place {
  /** Index of the first UTF-16 unit, and of the one behind the last. */
  start: number;
  end: number;
}

export type JsonNode = Place &
  (
    | { kind: "object"; entries: readonly JsonEntry[] }
    | { kind: "array"; items: readonly JsonNode[] }
    | { kind: "string"; value: string }
    /** `text` is as sent. */
    | { kind: "number" | "boolean" | "null"; text: string }
  );

export interface JsonEntry {
  key: string;
  value: JsonNode;
}

export interface JsonProblem {
  message: string;
  offset: number;
  /** Both from 1. */
  line: number;
  column: number;
}

export type ParsedJson = { ok: true; node: JsonNode } | { ok: false; problem: JsonProblem };

/** The tree of `text`, or the first thing that is wrong with it. */
export function parseJson(text: string): ParsedJson {
  const reader = new Reader(text);
  try {
    return { ok: true, node: reader.document() };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { ok: false, problem: { message: error.message, offset: error.offset, ...toLineAndColumn(text, error.offset) } };
  }
}

/** The tree of a text that the server has checked; a single string node should it not be JSON all the same. */
export function parseStored(text: string): JsonNode {
  const parsed = parseJson(text);
  return parsed.ok ? parsed.node : { kind: "string", value: text, start: 0, end: text.length };
}

/** The member `key` of an object (the last one, when repeated). */
export function getMember(node: JsonNode | undefined, key: string): JsonNode | undefined {
  return node?.kind === "object" ? node.entries.findLast((entry) => entry.key === key)?.value : undefined;
}

class Broken extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    this.#skipSpace();
    if (this.#at === this.#text.length) throw new Broken("There is nothing here yet: write a JSON value.", this.#at);
    const node = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
    return node;
  }

  #value(): JsonNode {
    const start = this.#at;
    const char = this.#text[start];
    if (char === "{") return this.#object(start);
    if (char === "[") return this.#array(start);
    if (char === '"') {
      const value = this.#string();
      return { kind: "string", value, start, end: this.#at };
    }
    const word = this.#take(WORD);
    if (word) return { kind: word === "null" ? "null" : "boolean", text: word, start, end: this.#at };
    const number = this.#take(NUMBER);
    if (number) return { kind: "number", text: number, start, end: this.#at };
    throw this.#unexpected("a value");
  }

  #object(start: number): JsonNode {
    const entries: JsonEntry[] = [];
    this.#enter();
    if (this.#peek() !== "}") {
      for (;;) {
        this.#skipSpace();
        if (this.#text[this.#at] !== '"') throw this.#unexpected("a key in double quotes");
        const key = this.#string();
        this.#skipSpace();
        this.#expect(":", "“:” after the key");
        this.#skipSpace();
        entries.push({ key, value: this.#value() });
        if (this.#peek() !== ",") break;
        this.#at += 1;
      }
    }
    this.#expect("}", "“,” or “}”");
    this.#depth -= 1;
    return { kind: "object", entries, start, end: this.#at };
  }

  #array(start: number): JsonNode {
    const items: JsonNode[] = [];
    this.#enter();
    if (this.#peek() !== "]") {
      for (;;) {
        this.#skipSpace();
        items.push(this.#value());
        if (this.#peek() !== ",") break;
        this.#at += 1;
      }
    }
    this.#expect("]", "“,” or “]”");
    this.#depth -= 1;
    return { kind: "array", items, start, end: this.#at };
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > JSON_DEPTH_MAX) throw new Broken(`This is nested more than ${JSON_DEPTH_MAX} levels deep.`, this.#at);
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    this.#at += 1;
    let isPlain = true;
    for (;;) {
      this.#take(PLAIN);
      const char = this.#text[this.#at];
      if (char === '"') break;
      if (char === undefined) throw new Broken('This string has no end: a “"” is missing.', start);
      if (char !== "\\") throw new Broken("A string can't hold a line break or control character; write \\n, say.", this.#at);
      isPlain = false;
      if (!this.#take(ESCAPE)) throw new Broken("This is not an escape that JSON knows.", this.#at);
    }
    this.#at += 1;
    const inner = this.#text.slice(start + 1, this.#at - 1);
    return isPlain ? inner : (JSON.parse(`"${inner}"`) as string);
  }

  /** The next character that is not space. */
  #peek(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#at];
  }

  #expect(char: string, what: string): void {
    if (this.#text[this.#at] !== char) throw this.#unexpected(what);
    this.#at += 1;
  }

  #skipSpace(): void {
    this.#take(SPACE);
  }

  /** What `pattern` (sticky) matches here, which is then behind us. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #unexpected(what: string): Broken {
    const char = this.#text[this.#at];
    const hint = char === "'" ? " JSON takes double quotes." : char === "}" || char === "]" ? " Is there a comma too many before it?" : "";
    return new Broken(char === undefined ? `The text ends where ${what} belongs.` : `Expected ${what}, found “${char}”.${hint}`, this.#at);
  }
}

function toLineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
