/**
 * Finds the first problem of a JSON text (syntax, NUL characters, nesting) and its position, in one pass that can pause. JSON.parse would block the
 * event loop for 90 ms for a megabyte of brackets or empty objects. The scan is iterative, so no nesting exhausts the stack, and it creates no
 * values.
 */

export interface JsonProblem {
  kind: "syntax" | "nul" | "depth";
  /** The problem as a clause: `expected “:” after the key`. */
  what: string;
  /** The index of the UTF-16 code unit with the problem. */
  offset: number;
  /** The position within the value, as a JSON path: `$.a[3].b`. */
  path: string;
}

/** A scan that can be continued step by step. */
export interface JsonScan {
  /** Scans at least `characters` more, up to the end of a number or word. Returns true when the scan has ended. */
  advance(characters: number): boolean;
  /** The first problem, once the scan has ended. Undefined if the text is valid JSON without NUL characters, nested at most `depthMax` levels. */
  problem(): JsonProblem | undefined;
}

export function createJsonScan(text: string, depthMax: number): JsonScan {
  return new Scan(text, depthMax);
}

/** The first problem of `text`, in a single step. */
export function findJsonProblem(text: string, depthMax: number): JsonProblem | undefined {
  const scan = createJsonScan(text, depthMax);
  scan.advance(Number.POSITIVE_INFINITY);
  return scan.problem();
}

/** The token that is expected next. `first-value` and `first-key` follow an opening bracket, so a closing one is also valid there. */
type Next = "value" | "first-value" | "key" | "first-key" | "colon" | "string" | "key-string" | "after" | "over";

const PATH_LENGTH_MAX = 200;
const [QUOTE, COMMA, COLON, MINUS, DOT, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x2d, 0x2e, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

class Scan implements JsonScan {
  readonly #text: string;
  readonly #depthMax: number;
  /** The closing brackets of the open arrays and objects. Numbers avoid an allocation for each. */
  readonly #closings: number[] = [];
  /** The position within each open array (the index of the item) or object (where its latest key begins, -1 before the first key). */
  readonly #steps: number[] = [];
  #at = 0;
  #next: Next = "value";
  #problem: JsonProblem | undefined;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  problem(): JsonProblem | undefined {
    return this.#problem;
  }

  advance(characters: number): boolean {
    const end = Math.min(this.#text.length, this.#at + characters);
    // One more step at the end of the text, to check that the text may end there.
    while (this.#next !== "over" && (this.#at < end || end === this.#text.length)) this.#step(end);
    return this.#next === "over";
  }

  #step(end: number): void {
    switch (this.#next) {
      case "string":
      case "key-string":
        this.#next = this.#string(this.#next, end);
        return;
      case "value":
      case "first-value":
        this.#next = this.#value(this.#skipSpace(), this.#next);
        return;
      case "key":
      case "first-key":
        this.#next = this.#key(this.#skipSpace(), this.#next);
        return;
      case "colon":
        this.#next = this.#skipSpace() === COLON ? this.#pass("value") : this.#fail("syntax", "expected “:” after the key");
        return;
      case "after":
        this.#next = this.#after(this.#skipSpace());
        return;
      case "over":
        return;
    }
  }

  #value(code: number, next: "value" | "first-value"): Next {
    switch (code) {
      case OPEN_OBJECT:
        return this.#open(CLOSE_OBJECT, -1, "first-key");
      case OPEN_ARRAY:
        return this.#open(CLOSE_ARRAY, 0, "first-value");
      case QUOTE:
        return this.#pass("string");
      case CLOSE_ARRAY:
        return next === "first-value" ? this.#close() : this.#fail("syntax", "expected a value");
      default:
        return code === MINUS || isDigit(code) ? this.#number() : this.#word();
    }
  }

  #key(code: number, next: "key" | "first-key"): Next {
    if (code === CLOSE_OBJECT && next === "first-key") return this.#close();
    if (code !== QUOTE) return this.#fail("syntax", "expected a key in double quotes");
    this.#steps[this.#steps.length - 1] = this.#at;
    return this.#pass("key-string");
  }

  #after(code: number): Next {
    const closing = this.#closings.at(-1);
    if (closing === undefined) return this.#at < this.#text.length ? this.#fail("syntax", "unexpected text after the value") : "over";
    if (code === closing) return this.#close();
    if (code !== COMMA) return this.#fail("syntax", `expected “,” or “${String.fromCharCode(closing)}”`);
    if (closing === CLOSE_OBJECT) return this.#pass("key");
    this.#steps[this.#steps.length - 1] = (this.#steps.at(-1) ?? 0) + 1;
    return this.#pass("value");
  }

  #open(closing: number, step: number, next: Next): Next {
    if (this.#closings.length >= this.#depthMax) return this.#fail("depth", `arrays and objects are nested deeper than ${this.#depthMax}`);
    this.#closings.push(closing);
    this.#steps.push(step);
    return this.#pass(next);
  }

  #close(): Next {
    this.#closings.pop();
    this.#steps.pop();
    return this.#pass("after");
  }

  #pass(next: Next): Next {
    this.#at += 1;
    return next;
  }

  /** Scans the rest of a string, up to `end`. */
  #string(next: "string" | "key-string", end: number): Next {
    const text = this.#text;
    for (let at = this.#at; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return next === "string" ? "after" : "colon";
      }
      if (code === 0) return this.#failNul(at, next);
      if (code < 0x20) return this.#failAt(at, "syntax", "a control character in a string must be escaped");
      if (code !== BACKSLASH) continue;
      const length = this.#escapeLength(at, next);
      if (length === 0) return "over";
      at += length;
      // An escape may extend beyond the end of this step.
      this.#at = at + 1;
    }
    this.#at = Math.max(this.#at, end);
    return end < text.length ? next : this.#failAt(text.length, "syntax", "a string is not closed");
  }

  /** How many characters follow the backslash at `at`. 0: the escape is invalid. */
  #escapeLength(at: number, next: "string" | "key-string"): number {
    const char = this.#text[at + 1];
    if (char !== "u") {
      if (char !== undefined && '"\\/bfnrt'.includes(char)) return 1;
      this.#failAt(at, "syntax", "this escape sequence is not valid");
      return 0;
    }
    const digits = this.#text.slice(at + 2, at + 6);
    if (digits === "0000") this.#failNul(at, next);
    else if (HEX_DIGITS.test(digits)) return 5;
    else this.#failAt(at, "syntax", "“\\u” needs four hex digits");
    return 0;
  }

  #number(): Next {
    const text = this.#text;
    let at = this.#at;
    if (text.charCodeAt(at) === MINUS) at += 1;
    const whole = text.charCodeAt(at) === ZERO ? at + 1 : skipDigits(text, at);
    if (whole === at) return this.#fail("syntax", "this number is not valid");
    at = whole;
    if (text.charCodeAt(at) === DOT) {
      const fraction = skipDigits(text, at + 1);
      if (fraction > at + 1) at = fraction;
    }
    // As above: an incomplete part does not belong to the number, so what follows it is the problem.
    if ((text.charCodeAt(at) | 0x20) === LETTER_E) {
      const sign = text.charCodeAt(at + 1);
      const first = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
      const exponent = skipDigits(text, first);
      if (exponent > first) at = exponent;
    }
    this.#at = at;
    return "after";
  }

  #word(): Next {
    const word = WORDS.find((each) => this.#text.startsWith(each, this.#at));
    if (word === undefined) return this.#fail("syntax", "expected a value");
    this.#at += word.length;
    return "after";
  }

  /** Skips white space and returns the next character. NaN at the end of the text. */
  #skipSpace(): number {
    let code = this.#text.charCodeAt(this.#at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      this.#at += 1;
      code = this.#text.charCodeAt(this.#at);
    }
    return code;
  }

  #failNul(at: number, next: "string" | "key-string"): "over" {
    const isKey = next === "key-string";
    // The key with the NUL character is not a step of the path yet.
    const path = this.#path(isKey ? this.#closings.length - 1 : this.#closings.length);
    const where = isKey ? `a key of the object at ${path}` : `the string at ${path}`;
    this.#problem ??= { kind: "nul", what: `there is a NUL character (\\u0000) in ${where}`, offset: at, path };
    return "over";
  }

  #fail(kind: JsonProblem["kind"], what: string): "over" {
    return this.#failAt(this.#at, kind, what);
  }

  #failAt(offset: number, kind: JsonProblem["kind"], what: string): "over" {
    this.#problem ??= { kind, what, offset, path: this.#path(this.#closings.length) };
    return "over";
  }

  #path(depth: number): string {
    const path = `$${this.#steps
      .slice(0, depth)
      .map((step, index) => this.#toStep(index, step))
      .join("")}`;
    if (path.length <= PATH_LENGTH_MAX) return path;
    return `${path.slice(0, PATH_LENGTH_MAX / 2)} … ${path.slice(-PATH_LENGTH_MAX / 2)}`;
  }

  #toStep(index: number, step: number): string {
    if (this.#closings[index] === CLOSE_ARRAY) return `[${step}]`;
    if (step < 0) return "";
    const key = readKey(this.#text, step);
    if (key === undefined) return "";
    return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }
}

const [ZERO, NINE, PLUS, LETTER_E] = [0x30, 0x39, 0x2b, 0x65];
const WORDS = ["true", "false", "null"] as const;
const HEX_DIGITS = /^[0-9a-fA-F]{4}$/;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function skipDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

/** The key whose opening quote is at `start`. Undefined if it is incomplete or invalid. */
function readKey(text: string, start: number): string | undefined {
  let end = start + 1;
  for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
    if (Number.isNaN(code)) return undefined;
    end += code === BACKSLASH ? 2 : 1;
  }
  try {
    const key: unknown = JSON.parse(text.slice(start, end + 1));
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined;
  }
}
