/**
 * Translates regular expressions from the syntax of ECMAScript to that of RE2, which matches in linear time. Patterns that need backtracking
 * (lookaround, backreferences) are refused. Groups do not capture, because only whether a text matches is needed.
 */
/** The maximum count of a repetition. */
const REPEAT_MAX = 1000;
const CODE_POINT_MAX = 0x10_ffff;

/** The classes of ECMAScript that differ from those of RE2, in RE2's syntax, without brackets. */
const SPACE = "\\x{9}-\\x{d} \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
const NOT_SPACE =
  "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}" +
  "\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}";
const DOT = "[^\\n\\r\\x{2028}\\x{2029}]";
const ANYTHING = "[\\x{0}-\\x{10ffff}]";
const NOTHING = "[^\\x{0}-\\x{10ffff}]";
const CONTROLS: Readonly<Record<string, string>> = { t: "\t", n: "\n", v: "\v", f: "\f", r: "\r", "0": "\0" };

/** The pattern cannot be matched in linear time. The message is a sentence without its subject. */
export class UnsupportedPatternError extends Error {}

/** The pattern in RE2's syntax. Throws SyntaxError for an invalid regular expression, and UnsupportedPatternError for one that needs backtracking. */
export function translatePattern(pattern: string): string {
  requireRegExp(pattern);
  return new Translation(pattern).run();
}

/**
 * Throws SyntaxError unless the pattern is valid with or without the Unicode flag. The standard requires the flag. Existing patterns are often valid only
 * without it (`\_`), and mean the same.
 */
function requireRegExp(pattern: string): void {
  try {
    new RegExp(pattern, "u");
  } catch {
    new RegExp(pattern);
  }
}

/** One part of a class: a character, or a set, which cannot start or end a range. */
type ClassItem = { kind: "character"; code: number } | { kind: "set"; inside: string };

/** Reads a pattern that is known to be a valid regular expression, from left to right. */
class Translation {
  readonly #pattern: string;
  readonly #isUnicode: boolean;
  #at = 0;
  #output = "";

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#isUnicode = isUnicode(pattern);
  }

  run(): string {
    while (this.#at < this.#pattern.length) this.#output += this.#readNext();
    return this.#output;
  }

  #readNext(): string {
    const rest = this.#pattern.slice(this.#at, this.#at + 4);
    switch (rest.charAt(0)) {
      case "(":
        return this.#readGroup();
      case "[":
        return this.#readClass();
      case "\\":
        return this.#readEscape();
      case "{":
        return this.#readRepeat();
      case ".":
        this.#at += 1;
        return DOT;
      case ")":
      case "|":
      case "*":
      case "+":
      case "?":
      case "^":
      case "$":
        this.#at += 1;
        return rest.charAt(0);
      default:
        return toLiteral(this.#readCodePoint());
    }
  }

  #readGroup(): string {
    const opening = /^\((?:\?(?:<[^=!][^>]*>|<?[=!]|[a-z-]*:))?/.exec(this.#pattern.slice(this.#at))?.[0] ?? "(";
    if (/[=!]$/.test(opening)) throw new UnsupportedPatternError("uses lookahead or lookbehind");
    if (/^\(\?[a-z-]+:/.test(opening)) throw new UnsupportedPatternError("changes flags within");
    this.#at += opening.length;
    return "(?:";
  }

  /** A brace that does not start a repetition is a character. */
  #readRepeat(): string {
    const [repeat, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at)) ?? [];
    if (repeat === undefined) return toLiteral(this.#readCodePoint());
    if (Math.max(Number(least), Number(most)) > REPEAT_MAX)
      throw new UnsupportedPatternError(`repeats something more than ${REPEAT_MAX} times; use minLength and maxLength for lengths`);
    this.#at += repeat.length;
    return `{${Number(least)}${comma}${most === "" ? "" : Number(most)}}`;
  }

  #readEscape(): string {
    const letter = this.#pattern.charAt(this.#at + 1);
    if (/[1-9]/.test(letter) || (letter === "k" && /\(\?<[^=!]/.test(this.#pattern)))
      throw new UnsupportedPatternError("refers back to a group");
    if (letter === "b" || letter === "B") {
      this.#at += 2;
      return `\\${letter}`;
    }
    const item = this.#readEscapedItem();
    return item.kind === "set" ? `[${item.inside}]` : toLiteral(item.code);
  }

  #readClass(): string {
    this.#at += 1;
    const isNegated = this.#pattern.charAt(this.#at) === "^";
    if (isNegated) this.#at += 1;
    let inside = "";
    while (this.#at < this.#pattern.length && this.#pattern.charAt(this.#at) !== "]") inside += this.#readRange();
    this.#at += 1;
    if (inside === "") return isNegated ? ANYTHING : NOTHING;
    return `[${isNegated ? "^" : ""}${inside}]`;
  }

  #readRange(): string {
    const first = this.#readClassItem();
    if (this.#pattern.charAt(this.#at) !== "-" || this.#pattern.charAt(this.#at + 1) === "]") return toInside(first);
    this.#at += 1;
    const last = this.#readClassItem();
    if (first.kind === "character" && last.kind === "character") return `${toInside(first)}-${toInside(last)}`;
    return `${toInside(first)}${toHex(0x2d)}${toInside(last)}`;
  }

  #readClassItem(): ClassItem {
    if (this.#pattern.charAt(this.#at) !== "\\") return { kind: "character", code: this.#readCodePoint() };
    if (this.#pattern.charAt(this.#at + 1) !== "b") return this.#readEscapedItem();
    this.#at += 2;
    return { kind: "character", code: 8 };
  }

  #readEscapedItem(): ClassItem {
    const text = this.#pattern.slice(this.#at);
    const [property] = /^\\[pP]\{[^}]*\}/.exec(text) ?? [];
    if (property !== undefined && this.#isUnicode) {
      this.#at += property.length;
      return { kind: "set", inside: toPropertyRanges(property) };
    }
    const letter = text.charAt(1);
    if (/[dDwW]/.test(letter)) return this.#take(2, { kind: "set", inside: `\\${letter}` });
    if (letter === "s") return this.#take(2, { kind: "set", inside: SPACE });
    if (letter === "S") return this.#take(2, { kind: "set", inside: NOT_SPACE });
    const surrogates = /^\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/i.exec(text);
    if (surrogates) {
      const [whole, high = "", low = ""] = surrogates;
      return this.#takeCharacter(whole, 0x10000 + ((Number.parseInt(high, 16) & 0x3ff) << 10) + (Number.parseInt(low, 16) & 0x3ff));
    }
    const [hex, digits] = /^\\(?:u\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2}))/i.exec(text)?.filter((part) => part !== undefined) ?? [];
    if (hex !== undefined && digits !== undefined && (this.#isUnicode || !hex.startsWith("\\u{")))
      return this.#takeCharacter(hex, Number.parseInt(digits, 16));
    const [control, name] = /^\\c([A-Za-z])/.exec(text) ?? [];
    if (control !== undefined && name !== undefined) return this.#takeCharacter(control, name.charCodeAt(0) % 32);
    if (/^\\(?:[1-7]|0[0-7])/.test(text)) throw new UnsupportedPatternError("has an octal escape; use \\x or \\u");
    // Within a class it is a control character; elsewhere it is three characters.
    if (/^\\c[\d_]/.test(text)) throw new UnsupportedPatternError("has \\c without a letter; use \\x or \\u");
    if (letter === "c") return this.#takeCharacter("\\", 0x5c);
    const known = CONTROLS[letter];
    if (known !== undefined) return this.#takeCharacter(`\\${letter}`, known.charCodeAt(0));
    // Everything else is a literal character.
    this.#at += 1;
    return { kind: "character", code: this.#readCodePoint() };
  }

  #take(length: number, item: ClassItem): ClassItem {
    this.#at += length;
    return item;
  }

  #takeCharacter(text: string, code: number): ClassItem {
    if (code >= 0xd800 && code <= 0xdfff) throw new UnsupportedPatternError("has half of a surrogate pair");
    return this.#take(text.length, { kind: "character", code });
  }

  #readCodePoint(): number {
    const code = this.#pattern.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }
}

function isUnicode(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").unicode;
  } catch {
    return false;
  }
}

function toInside(item: ClassItem): string {
  return item.kind === "set" ? item.inside : toHex(item.code);
}

function toLiteral(code: number): string {
  const character = String.fromCodePoint(code);
  return /[A-Za-z0-9]/.test(character) ? character : toHex(code);
}

function toHex(code: number): string {
  return `\\x{${code.toString(16)}}`;
}

/** The ranges of properties that were used before, because computing them takes about 0.1 s for each property. */
const propertyRanges = new Map<string, string>();
const PROPERTIES_KEPT_MAX = 100;

/** Returns the character ranges of a Unicode property (`\p{…}` or `\P{…}`) according to V8, because RE2 supports fewer properties. */
function toPropertyRanges(property: string): string {
  if (/^\\[pP]\{[A-Z][a-z]?\}$/.test(property)) return property;
  const known = propertyRanges.get(property);
  if (known !== undefined) return known;
  const expression = new RegExp(property, "u");
  const ranges: string[] = [];
  let first: number | undefined;
  for (let code = 0; code <= CODE_POINT_MAX + 1; code += 1) {
    const isMember = code <= CODE_POINT_MAX && expression.test(String.fromCodePoint(code));
    if (isMember) first ??= code;
    else if (first !== undefined) {
      ranges.push(`${toHex(first)}-${toHex(code - 1)}`);
      first = undefined;
    }
  }
  if (ranges.length === 0) throw new UnsupportedPatternError(`uses ${property}, which no character has`);
  const inside = ranges.join("");
  if (propertyRanges.size < PROPERTIES_KEPT_MAX) propertyRanges.set(property, inside);
  return inside;
}
