/**
 * Finds what is wrong with a JSON text, and where: syntax, NUL characters, nesting. The slow path behind JSON.parse, which only says
 * that something is wrong. Iterative, so that no nesting exhausts the stack; it must not build values.
 */

export interface JsonProblem {
  kind: "syntax" | "nul" | "depth";
  /** What is wrong, as a clause: `expected “:” after the key`. */
  what: string;
  /** Index of the UTF-16 unit at which it is wrong. */
  offset: number;
  /** Where in the value, as a JSON path: `$.a[3].b`. */
  path: string;
}

/** An array or object that is open at the cursor. Keys are decoded only when a path is asked for. */
type Frame = { kind: "array"; index: number } | { kind: "object"; keyStart: number; keyEnd: number };

const PATH_LENGTH_MAX = 200;

/** The first problem of `text`, or undefined when it is a JSON text without NUL characters, nested at most `depthMax` deep. */
export function findJsonProblem(text: string, depthMax: number): JsonProblem | undefined {
  return new Scanner(text, depthMax).run();
}

class Scanner {
  readonly #text: string;
  readonly #depthMax: number;
  readonly #open: Frame[] = [];
  #at = 0;
  #problem: JsonProblem | undefined;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  run(): JsonProblem | undefined {
    let next: "value" | "key" | "after" | "done" = "value";
    while (next !== "done" && !this.#problem) {
      this.#skipSpace();
      switch (next) {
        case "value":
          next = this.#value();
          break;
        case "key":
          next = this.#key();
          break;
        case "after":
          next = this.#after();
          break;
      }
    }
    return this.#problem;
  }

  #value(): "value" | "key" | "after" {
    const char = this.#text[this.#at];
    if (char === "{" || char === "[") return this.#enter(char);
    if (char === '"') this.#string("value");
    else if (char === "-" || (char !== undefined && char >= "0" && char <= "9")) this.#number();
    else this.#literal();
    return "after";
  }

  #enter(char: "{" | "["): "value" | "key" | "after" {
    if (this.#open.length >= this.#depthMax) {
      this.#fail("depth", `arrays and objects are nested deeper than ${this.#depthMax}`);
      return "after";
    }
    this.#at += 1;
    this.#open.push(char === "[" ? { kind: "array", index: 0 } : { kind: "object", keyStart: 0, keyEnd: 0 });
    this.#skipSpace();
    const isEmpty = this.#text[this.#at] === (char === "[" ? "]" : "}");
    if (isEmpty) return "after";
    return char === "[" ? "value" : "key";
  }

  #key(): "value" {
    const frame = this.#open.at(-1);
    if (this.#text[this.#at] !== '"') {
      this.#fail("syntax", "expected a key in double quotes");
    } else if (frame?.kind === "object") {
      const keyStart = this.#at;
      this.#string("key");
      frame.keyStart = keyStart;
      frame.keyEnd = this.#at;
      this.#skipSpace();
      if (this.#text[this.#at] === ":") this.#at += 1;
      else this.#fail("syntax", "expected “:” after the key");
    }
    return "value";
  }

  #after(): "value" | "key" | "after" | "done" {
    const frame = this.#open.at(-1);
    const char = this.#text[this.#at];
    if (!frame) {
      if (char !== undefined) this.#fail("syntax", "expected nothing after the value");
      return "done";
    }
    const closing = frame.kind === "array" ? "]" : "}";
    if (char === closing) {
      this.#at += 1;
      this.#open.pop();
      return "after";
    }
    if (char !== ",") {
      this.#fail("syntax", `expected “,” or “${closing}”`);
      return "done";
    }
    this.#at += 1;
    if (frame.kind === "object") return "key";
    frame.index += 1;
    return "value";
  }

  /** A string from its opening quote on. */
  #string(role: "key" | "value"): void {
    const text = this.#text;
    for (let at = this.#at + 1; at < text.length && !this.#problem; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return;
      }
      if (code === 0) this.#failNul(at, role);
      else if (code < 0x20) this.#failAt(at, "syntax", "a control character in a string must be escaped");
      else if (code === BACKSLASH) at += this.#escape(at, role);
    }
    this.#failAt(text.length, "syntax", "a string does not end");
  }

  /** Checks the escape whose backslash is at `at`; answers how many more characters it has. */
  #escape(at: number, role: "key" | "value"): number {
    const char = this.#text[at + 1];
    if (char !== "u") {
      if (char === undefined || !'"\\/bfnrt'.includes(char)) this.#failAt(at, "syntax", "this escape does not exist");
      return 1;
    }
    const digits = this.#text.slice(at + 2, at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#failAt(at, "syntax", "“\\u” needs four hex digits");
    else if (digits === "0000") this.#failNul(at, role);
    return 5;
  }

  #failNul(at: number, role: "key" | "value"): void {
    // The key that contains it is no step of the path yet.
    const path = this.#path(role === "key" ? this.#open.slice(0, -1) : this.#open);
    const where = role === "key" ? `a key of the object at ${path}` : `the string at ${path}`;
    this.#problem ??= { kind: "nul", what: `there is a NUL character (\\u0000) in ${where}`, offset: at, path };
  }

  #number(): void {
    NUMBER.lastIndex = this.#at;
    if (NUMBER.test(this.#text)) this.#at = NUMBER.lastIndex;
    else this.#fail("syntax", "this is not a number");
  }

  #literal(): void {
    const literal = LITERALS.find((word) => this.#text.startsWith(word, this.#at));
    if (literal) this.#at += literal.length;
    else this.#fail("syntax", "expected a value");
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #fail(kind: JsonProblem["kind"], what: string): void {
    this.#failAt(this.#at, kind, what);
  }

  #failAt(offset: number, kind: JsonProblem["kind"], what: string): void {
    this.#problem ??= { kind, what, offset, path: this.#path(this.#open) };
  }

  #path(frames: readonly Frame[]): string {
    const path = `$${frames.map((frame) => this.#step(frame)).join("")}`;
    if (path.length <= PATH_LENGTH_MAX) return path;
    return `${path.slice(0, PATH_LENGTH_MAX / 2)} … ${path.slice(-PATH_LENGTH_MAX / 2)}`;
  }

  #step(frame: Frame): string {
    if (frame.kind === "array") return `[${frame.index}]`;
    if (frame.keyEnd === 0) return "";
    const key: unknown = JSON.parse(this.#text.slice(frame.keyStart, frame.keyEnd));
    return typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = ["true", "false", "null"] as const;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
