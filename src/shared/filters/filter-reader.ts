/** Reads the parts of a filter expression: paths, values, words, texts in quotes and regular expressions. */
import { FILTER_OPERATORS, type FilterOperator, type FilterValue, readFilterStep } from "@/src/shared/streams/record-filter";
import { findPatternProblem } from "./filter-pattern";
import { PATTERN_LENGTH_MAX, SIZE_OPERATORS, type SizeOperator } from "./filter-syntax";

/** Thrown by the reader. `offset`: where in the text the problem is. */
export class ExpressionError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const PATH_STEPS_MAX = 50;
const SPACE = /\s*/y;
const QUOTED = /"(?:[^"\\]|\\.)*"/y;
const PATTERN = /\/((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([\p{L}\p{N}_]*)/uy;
/** A word of a text that is searched. `!` and `-` exclude only at its beginning. */
const TEXT_WORD = /[^\s&|()"<>=~]+/y;
const VALUE_WORD = /[^\s&|()"<>=~!/][^\s&|()"<>=~]*/y;
/** The numbers that PostgreSQL can compare (G13). */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,4})?(?=$|[\s&|()])/y;
const NUMBER_LENGTH_MAX = 399;
const SIZE = /(\d{1,12}(?:\.\d{1,6})?)\s?([a-z]*)(?=$|[\s&|()])/iy;
const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, kb: 1024, kib: 1024, mb: 1024 ** 2, mib: 1024 ** 2 };
/** Operators of other languages, longest first, and what to write instead. */
const FOREIGN_OPERATORS = [
  ["===", "="],
  ["!==", "!="],
  ["==", "="],
  ["=~", "~"],
  ["<>", "!="],
  ["=<", "<="],
  ["=>", ">="],
  ["!~", "-path ~ value"],
] as const;

export class FilterReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next part begins. */
  place(): number {
    this.#at += this.#match(SPACE)?.[0].length ?? 0;
    return this.#at;
  }

  /** Continues at `offset`. */
  moveTo(offset: number): void {
    this.#at = offset;
  }

  isOver(): boolean {
    return this.place() >= this.#text.length;
  }

  startsWith(part: string): boolean {
    return this.#text.startsWith(part, this.place());
  }

  /** Reads `part` if it is next. */
  take(part: string): boolean {
    if (!this.startsWith(part)) return false;
    this.#at += part.length;
    return true;
  }

  /** Throws a problem at `offset`; default: at the next part. */
  fail(message: string, offset = this.place()): never {
    throw new ExpressionError(message, offset);
  }

  /** True if a sign that excludes is next. */
  takeExclusion(): boolean {
    this.place();
    const [sign] = this.#match(/[!-](?=[^\s=])/y) ?? [];
    if (sign === undefined) return false;
    this.#at += 1;
    return true;
  }

  /** Reads `name:` if it is next, in any case, and returns the name in lower case. */
  takeField(names: readonly string[]): string | undefined {
    this.place();
    const name = this.peekField()?.toLowerCase();
    if (name === undefined || !names.includes(name)) return undefined;
    this.#at += name.length + 1;
    return name;
  }

  /** The name of `name:value`, if that is next. Times (`12:30`) and addresses (`http://…`) are none. */
  peekField(): string | undefined {
    this.place();
    return this.#match(/([\p{L}_][\p{L}\p{N}_-]*):(?!\/)/uy)?.[1];
  }

  /** A text in quotes, decoded, if it is next. */
  quoted(): string | undefined {
    const start = this.place();
    if (!this.startsWith('"')) return undefined;
    const [quoted] = this.#match(QUOTED) ?? [];
    if (quoted === undefined) return this.fail("The text in quotes is not closed.", start);
    const value = parseString(quoted);
    if (value === undefined) return this.fail("The text in quotes is not a valid JSON string.", start);
    if (value.includes("\0")) this.fail("Remove the NUL character; no record contains one.", start);
    this.#at += quoted.length;
    return value;
  }

  /** A regular expression between slashes, if it is next. */
  pattern(): { pattern: string; ignoreCase: boolean } | undefined {
    const start = this.place();
    if (!this.startsWith("/")) return undefined;
    const [whole, pattern = "", flags = ""] = this.#match(PATTERN) ?? [];
    if (whole === undefined)
      return this.fail('The regular expression is not closed: /…/. For the text itself write it in quotes: "/".', start);
    if (pattern.length > PATTERN_LENGTH_MAX) this.fail(`Use a regular expression of ${PATTERN_LENGTH_MAX} characters at most.`, start);
    if (flags !== "" && flags !== "i")
      this.fail("After /…/ write only i, which ignores case. For a text with slashes, put it in quotes.", start + pattern.length + 2);
    const problem = findPatternProblem(pattern);
    if (problem !== undefined) this.fail(problem, start);
    this.#at += whole.length;
    return { pattern, ignoreCase: flags === "i" };
  }

  /** A word of a text to search, if one is next. */
  word(): string | undefined {
    this.place();
    const [word] = this.#match(TEXT_WORD) ?? [];
    if (word !== undefined) this.#at += word.length;
    return word;
  }

  /** A path in the data, if one is next. `$` stands for the data itself. Keys are decoded. */
  path(): string[] | undefined {
    const start = this.place();
    const [data] = this.#match(/\$(?![\p{L}\p{N}_$-])/uy) ?? [];
    if (data !== undefined) this.#at += 1;
    const steps: string[] = [];
    for (;;) {
      const read = readFilterStep(this.#text.slice(this.#at), data === undefined && steps.length === 0);
      if (!read) break;
      this.#at += read[0].length;
      steps.push(read[1]);
      if (steps.length > PATH_STEPS_MAX) this.fail(`Use a path with at most ${PATH_STEPS_MAX} steps.`, start);
    }
    return data === undefined && steps.length === 0 ? undefined : steps;
  }

  /** The operator of a condition, if one is next. Throws for operators of other languages. */
  operator(): FilterOperator | undefined {
    const start = this.place();
    for (const [foreign, ours] of FOREIGN_OPERATORS) if (this.startsWith(foreign)) this.fail(`Use ${ours} instead of ${foreign}.`, start);
    for (const operator of FILTER_OPERATORS) {
      const isWord = operator === "exists" || operator === "missing";
      if (isWord ? this.#takeWord(operator) : this.take(operator)) return operator;
    }
    return undefined;
  }

  sizeOperator(): SizeOperator | undefined {
    return SIZE_OPERATORS.find((operator) => this.take(operator));
  }

  /** A value to compare with. `isBare`: a text without quotes, which ends at the next space. */
  value(operator: string): { value: FilterValue; isBare: boolean } {
    const start = this.place();
    if (this.isOver()) this.fail(`Write a value after ${operator}: a number, true, false, null or a text; "" is the empty text.`);
    const quoted = this.quoted();
    if (quoted !== undefined) return { value: { kind: "string", text: quoted }, isBare: false };
    const [number] = this.#match(NUMBER) ?? [];
    if (number !== undefined) {
      if (number.length > NUMBER_LENGTH_MAX) this.fail(`Use a number with at most ${NUMBER_LENGTH_MAX} characters.`);
      this.#at += number.length;
      return { value: { kind: "number", text: number }, isBare: false };
    }
    if (this.startsWith("/")) this.fail("Write a regular expression alone, as in /ha.l/i. Put a text that begins with / in quotes.", start);
    const [word] = this.#match(VALUE_WORD) ?? [];
    if (word === undefined)
      return this.fail(`Write a value after ${operator}: a number, true, false, null or a text. Put other characters in quotes.`, start);
    this.#at += word.length;
    const isConstant = word === "true" || word === "false" || word === "null";
    return { value: { kind: isConstant ? "word" : "string", text: word }, isBare: !isConstant };
  }

  /** A size in bytes. */
  size(): number {
    const start = this.place();
    const [whole, number = "", unit = ""] = this.#match(SIZE) ?? [];
    const factor = UNITS[unit.toLowerCase()];
    if (whole === undefined || factor === undefined || !Object.hasOwn(UNITS, unit.toLowerCase()))
      return this.fail("Write a size, like 500, 10kb or 1.5mb. A field named size is written $.size.", start);
    this.#at += whole.length;
    return Number(number) * factor;
  }

  /** The sign that ends a text to search although it needs quotes, if one is next. */
  peekSign(): string | undefined {
    return this.#match(/["<>=~]/y)?.[0];
  }

  slice(start: number, end = this.#at): string {
    return this.#text.slice(start, end);
  }

  #takeWord(word: string): boolean {
    this.place();
    const [found] = this.#match(/[\p{L}\p{N}_$:.[-]+/uy) ?? [];
    return found === word && this.take(word);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text);
  }
}

function parseString(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}
