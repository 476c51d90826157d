/** Reads the parts of an access rule: paths, variables and values. */
import { readFilterStep } from "@/src/shared/streams/record-filter";
import type { HidePath, RuleOperand } from "./rule-syntax";

/** Thrown by the reader. `offset`: where in the text the problem is. */
export class RuleSyntaxError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const PATH_STEPS_MAX = 50;
const SPACE = /\s*/y;
const WORD = /[\p{L}\p{N}_$-]+/uy;
const QUOTED = /"(?:[^"\\\n]|\\.)*"/y;
/** The numbers that PostgreSQL can compare (G13). */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?(?![\p{L}\p{N}_.$-])/uy;
const NUMBER_LENGTH_MAX = 399;
const EVERY_ITEM = 'There is no [*]. A list contains a value: tags ~ "new". hide reaches into lists by itself: items.price.';
const VARIABLES = ["@user.id", "@user.endpoint", "@user.data", "@owner", "@input", "@key.scope"] as const;

export class RuleReader {
  readonly #text: string;
  readonly #allowsInput: boolean;
  #at = 0;
  #end = 0;

  constructor(text: string, allowsInput: boolean) {
    this.#text = text;
    this.#allowsInput = allowsInput;
  }

  /** Where the last part that was read ends. */
  get end(): number {
    return this.#end;
  }

  /** Where the next part begins. */
  place(): number {
    this.#at += this.#match(SPACE)?.length ?? 0;
    return this.#at;
  }

  isOver(): boolean {
    return this.place() >= this.#text.length;
  }

  startsWith(part: string): boolean {
    return this.#text.startsWith(part, this.place());
  }

  slice(start: number, end: number): string {
    return this.#text.slice(start, end);
  }

  /** Reads `part` if it is next. */
  take(part: string): boolean {
    if (!this.startsWith(part)) return false;
    this.#pass(part.length);
    return true;
  }

  peekWord(): string | undefined {
    this.place();
    return this.#match(WORD);
  }

  takeWord(word: string): boolean {
    return this.peekWord() === word && this.take(word);
  }

  isWordBefore(word: string, next: string): boolean {
    return (
      this.peekWord() === word &&
      this.#text
        .slice(this.#at + word.length)
        .trimStart()
        .startsWith(next)
    );
  }

  /** Reads `true` or `false` if it stands for itself. */
  constant(): boolean | undefined {
    const word = this.peekWord();
    if ((word !== "true" && word !== "false") || /^[.[]/.test(this.#text.slice(this.#at + word.length))) return undefined;
    this.take(word);
    return word === "true";
  }

  /** Throws a problem at `offset`; default: at the next part. */
  fail(message: string, offset = this.place()): never {
    throw new RuleSyntaxError(message, offset);
  }

  /** Reads a path in the record's data, or a variable. */
  leftOperand(): RuleOperand {
    if (this.startsWith("@")) return this.#variable();
    if (this.startsWith('"')) this.fail('Write the value on the right side. A field with an odd name is written ["odd name"].');
    const start = this.place();
    const path = this.#dataPath();
    if (this.#at === start) this.fail('Write a field or a variable, like status, user.name, tags[0], ["odd key"] or @user.id.');
    return { kind: "data", path };
  }

  /** Reads a value or a variable, or a path in the record's data that begins with `$` or `data`. */
  rightOperand(): RuleOperand {
    if (this.isOver()) this.fail('Write a value after the operator; "" is the empty text.');
    if (this.startsWith("@")) return this.#variable();
    if (this.startsWith('"')) return { kind: "literal", value: { type: "string", text: this.#string() } };
    const number = this.#match(NUMBER);
    if (number !== undefined) {
      if (number.length > NUMBER_LENGTH_MAX) this.fail(`Use a number with at most ${NUMBER_LENGTH_MAX} characters.`);
      this.#pass(number.length);
      return { kind: "literal", value: { type: "number", text: number } };
    }
    const word = this.peekWord();
    if (word === "true" || word === "false" || word === "null") {
      this.take(word);
      return { kind: "literal", value: { type: word === "null" ? "null" : "boolean", text: word } };
    }
    if (word === "$" || word === "data") return { kind: "data", path: this.#dataPath() };
    if (word === undefined)
      return this.fail("Write a value after the operator: a text in quotes, a number, true, false, null, or a variable like @user.id.");
    return this.fail(`Put a text in quotes: "${word}". A field of the record is written $.${word} on this side.`);
  }

  /**
   * Reads a path of `hide`. A path that begins with `data` is returned in both of its meanings, because hiding too much is safer than hiding too
   * little.
   */
  hidePath(): HidePath[] {
    const start = this.place();
    if (this.startsWith("@")) this.fail("Only fields of the record can be hidden.");
    const isDollar = this.peekWord() === "$";
    if (isDollar) this.take("$");
    const steps = this.#steps(!isDollar);
    if (steps.length === 0) this.fail('Write a field to hide, like phone, address.street or ["odd key"].', isDollar ? start : this.place());
    return !isDollar && steps[0] === "data" && steps.length > 1 ? [steps.slice(1), steps] : [steps];
  }

  /** The path in the record's data. `$` and a leading `data` stand for the data itself. */
  #dataPath(): string[] {
    const word = this.peekWord();
    if (word !== "$" && word !== "data") return this.#steps(true);
    this.take(word);
    return this.#steps(false);
  }

  #steps(isFirst: boolean): string[] {
    const steps: string[] = [];
    if (isFirst) this.place();
    for (;;) {
      const read = readFilterStep(this.#text.slice(this.#at), isFirst && steps.length === 0);
      if (!read) break;
      steps.push(read[1]);
      this.#pass(read[0].length);
      if (steps.length > PATH_STEPS_MAX) this.fail(`Use a path with at most ${PATH_STEPS_MAX} steps.`);
    }
    if (/^[.[]/.test(this.#text.slice(this.#at)) && (steps.length > 0 || !isFirst)) {
      const isEvery = /^\[[*\]]/.test(this.#text.slice(this.#at));
      this.fail(isEvery ? EVERY_ITEM : 'After a field write .name, [0] or ["odd key"].', this.#at);
    }
    return steps;
  }

  #variable(): RuleOperand {
    const start = this.place();
    this.#pass(1);
    const name = this.#match(WORD) ?? "";
    this.#pass(name.length);
    switch (name) {
      case "user":
        return this.#userVariable(start);
      case "key":
        return this.#takeMember("scope") ? this.#scalar("keyScope", start) : this.#failUnknown(start);
      case "owner":
        return this.#scalar("owner", start);
      case "input":
        if (!this.#allowsInput) this.fail("@input is the body of a write. Only the rules create and update can use it.", start);
        return { kind: "input", path: this.#steps(false) };
      default:
        return this.#failUnknown(start);
    }
  }

  #userVariable(start: number): RuleOperand {
    if (this.#takeMember("id")) return this.#scalar("userId", start);
    if (this.#takeMember("endpoint")) return this.#scalar("userEndpoint", start);
    return this.#takeMember("data") ? { kind: "userData", path: this.#steps(false) } : this.#failUnknown(start);
  }

  #scalar(kind: "userId" | "userEndpoint" | "owner" | "keyScope", start: number): RuleOperand {
    if (/^[.[]/.test(this.#text.slice(this.#at))) this.fail(`${this.#text.slice(start, this.#at)} is a text and has no fields.`, this.#at);
    return { kind };
  }

  #takeMember(name: string): boolean {
    const rest = this.#text.slice(this.#at);
    if (readFilterStep(rest, false)?.[0] !== `.${name}`) return false;
    this.#pass(name.length + 1);
    return true;
  }

  #failUnknown(start: number): never {
    const written = /^@[\p{L}\p{N}_$.-]*/u.exec(this.#text.slice(start))?.[0] ?? "@";
    const field = /^@user\.(.+)$/.exec(written)?.[1];
    if (field !== undefined) this.fail(`There is no variable ${written}. Use @user.id, @user.endpoint or @user.data.${field}.`, start);
    const nearest = findNearest(written);
    this.fail(
      nearest === undefined
        ? `There is no variable ${written}. Use one of: ${VARIABLES.join(", ")}.`
        : `There is no variable ${written}. Do you mean ${nearest}?`,
      start,
    );
  }

  #string(): string {
    const quoted = this.#match(QUOTED);
    if (quoted === undefined) return this.fail("The text in quotes is not closed on this line.");
    const value = parseString(quoted);
    if (value === undefined) return this.fail("The text in quotes is not a valid JSON string.");
    if (value.includes("\0")) this.fail("Remove the NUL character; no record contains one.");
    this.#pass(quoted.length);
    return value;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #pass(length: number): void {
    this.#at += length;
    this.#end = this.#at;
  }
}

function parseString(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}

/** The variable that differs from `written` in at most three characters, or that begins like it. */
function findNearest(written: string): string | undefined {
  const text = written.toLowerCase();
  const named = VARIABLES.find((each) => text.length > 2 && (each.startsWith(text) || text.startsWith(each)));
  if (named) return named;
  const [nearest] = VARIABLES.map((each) => ({ each, distance: editDistance(text, each) })).toSorted((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= 3 ? nearest.each : undefined;
}

/** The Levenshtein distance. Of a long text, only the beginning counts. */
function editDistance(left: string, right: string): number {
  const text = left.slice(0, 30);
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= text.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (text[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
