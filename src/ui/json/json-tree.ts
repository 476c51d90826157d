/**
 * Parses JSON text into a tree that keeps what `JSON.parse` loses: digits of numbers, order and repetition of keys, positions in the text.
 * Reports the position of the first error. Pure.
 */
import { JSON_DEPTH_MAX } from "@/src/shared/streams/protocol";

interface Span {
  /** The index of the first UTF-16 unit, and one past the last. */
  start: number;
  end: number;
}

export type JsonNode = Span &
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

/** The tree of `text`, or its first problem. */
export function parseJson(text: string): ParsedJson {
  const parser = new Parser(text);
  try {
    return { ok: true, node: parser.document() };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { ok: false, problem: { message: error.message, offset: error.offset, ...toLineAndColumn(text, error.offset) } };
  }
}

/** The tree of a text that the server has checked; a single string node if it is not JSON after all. */
export function parseStored(text: string): JsonNode {
  const parsed = parseJson(text);
  return parsed.ok ? parsed.node : { kind: "string", value: text, start: 0, end: text.length };
}

/** The member `key` of an object; the last one if it is repeated. */
export function getMember(node: JsonNode | undefined, key: string): JsonNode | undefined {
  return node?.kind === "object" ? node.entries.findLast((entry) => entry.key === key)?.value : undefined;
}

class JsonSyntaxError extends Error {
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

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    this.#skipSpace();
    if (this.#at === this.#text.length) throw new JsonSyntaxError("Enter a JSON value.", this.#at);
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
    if (this.#depth > JSON_DEPTH_MAX) throw new JsonSyntaxError(`JSON can’t be nested more than ${JSON_DEPTH_MAX} levels deep.`, this.#at);
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
      if (char === undefined) throw new JsonSyntaxError('This string is not closed: add a “"”.', start);
      if (char !== "\\")
        throw new JsonSyntaxError("A string can’t contain line breaks or control characters. Use an escape such as \\n.", this.#at);
      isPlain = false;
      if (!this.#take(ESCAPE)) throw new JsonSyntaxError("This isn’t a valid JSON escape.", this.#at);
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

  /** Consumes and returns what the sticky `pattern` matches here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #unexpected(what: string): JsonSyntaxError {
    const char = this.#text[this.#at];
    const hint = char === "'" ? " Use double quotes." : char === "}" || char === "]" ? " Check for an extra comma before it." : "";
    return new JsonSyntaxError(
      char === undefined ? `Expected ${what}, but the text ends here.` : `Expected ${what}, but found “${char}”.${hint}`,
      this.#at,
    );
  }
}

function toLineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}
