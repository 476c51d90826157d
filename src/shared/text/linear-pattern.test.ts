import { describe, expect, it } from "vitest";
import { compileLinearPattern } from "./linear-pattern";
import { UnsupportedPatternError } from "./translate-pattern";

/** Compiles a pattern as ECMAScript does, with the Unicode flag if the pattern is valid with it. */
function toNative(pattern: string): RegExp {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return new RegExp(pattern);
  }
}

const TEXTS = [
  ...[
    "",
    "a",
    "ab",
    "b",
    "aaa",
    "a-b.c",
    "a b",
    "_x",
    "123",
    "12",
    "é",
    "É",
    "😀",
    "漢字",
    "αβγ",
    "A",
    "1",
    "-",
    "x-1",
    "a]",
    "{",
    "a{,3}",
  ],
  ...["\n", "\r", "\u2028", "\t", "\v", "\u00a0", "\ufeff", "\u3000", "\u0001", "\0", "\b", "/a", "A $", "a foo b", "afoo", "\\", "[", ":"],
  ...[
    "2024-01-31",
    "ada@example.com",
    "a.b",
    "e",
    "h",
    "Aabz",
    "Q",
    "k",
    "a\n",
    "^",
    "c",
    "\\cA",
    "p{L}",
    "d",
    "1,2",
    "aab",
    "x".repeat(30),
  ],
];

describe("linear patterns", () => {
  it.each([
    ["^[\\w\\-.]+$"],
    ["\\_x"],
    ["^\\d{3}$"],
    ["^\\u00e9$"],
    ["^\\u{1F600}$"],
    ["^\\ud83d\\ude00$"],
    ["^\\p{L}+$"],
    ["^\\p{Letter}+$"],
    ["^[\\p{Script=Greek}\\d]+$"],
    ["^\\P{Lu}$"],
    ["^\\p{Emoji}$"],
    ["^(?<year>\\d+)-(?<month>\\d\\d)"],
    ["^[^]$"],
    ["[]"],
    ["^\\s$"],
    ["^\\S$"],
    ["^[\\s\\d]$"],
    ["^[^\\s]$"],
    ["^[\\S]$"],
    ["^.$"],
    ["^\\cA$"],
    ["^\\c$"],
    ["^[\\d-x]+$"],
    ["^[a\\-z]+$"],
    ["^[-a]+$"],
    ["^[a-]+$"],
    ["^\\/a$"],
    ["^[[:alpha:]]$"],
    ["\\Aab"],
    ["^\\x41$"],
    ["^\\0$"],
    ["^[\\b]$"],
    ["\\bfoo\\b"],
    ["\\Bfoo"],
    ["^a$"],
    ["^[\\u4e00-\\u9fff]+$"],
    ["^[a-z&&[^b]]"],
    ["\\Qa"],
    ["a]"],
    ["{"],
    ["^a{,3}$"],
    ["^a{1,}$"],
    ["^a{2}"],
    ["^[A-Z]\\w*\\s?\\$"],
    ["\\e"],
    ["\\h"],
    ["\\k"],
    ["^(?:a|b)??$"],
    ["^(a|ab)(c|bcd)*?$"],
    ["^\\f?\\n?\\r?\\t?\\v?$"],
    ["\\pN"],
    ["^\\u{61}$"],
    ["^[\\u{61}-\\u{63}]$"],
    ["^\\\\$"],
    ["^\\^$"],
    ["^[\\^]$"],
    ["^[^^]$"],
    ["(^a|b$)"],
    ["a|"],
    ["^x{10,40}$"],
    ["^\\d{4}-(0[1-9]|1[0-2])-([0-2]\\d|3[01])$"],
    ["^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"],
    ["\\W"],
    ["[\\W]"],
    ["[^\\w\\s]"],
    ["^[😀漢]$"],
  ])("[R10] %s matches what ECMAScript matches", (pattern) => {
    const native = toNative(pattern);
    const linear = compileLinearPattern(pattern);
    expect(TEXTS.filter((text) => linear.test(text))).toEqual(TEXTS.filter((text) => native.test(text)));
  });

  it.each([
    ["^(?=a)b", "lookahead"],
    ["^(?!a)b", "lookahead"],
    ["(?<=a)b", "lookbehind"],
    ["(?<!a)b", "lookbehind"],
    ["(a)\\1", "refers back"],
    ["(?<x>a)\\k<x>", "refers back"],
    ["^a{1,1001}$", "more than 1000 times"],
    ["^(a{1,100}){1,100}$", "too complex"],
    ["(((a{1,30}){1,30}b?){1,1})(((c{1,900})))\\d{900}[^x]{900}".repeat(12), "too large"],
    ["\\ud800", "surrogate"],
    ["^[\\1]$", "octal"],
    ["^[\\c1]$", "without a letter"],
  ])("[R10] %s is refused", (pattern, why) => {
    expect(() => compileLinearPattern(pattern)).toThrow(UnsupportedPatternError);
    expect(() => compileLinearPattern(pattern)).toThrow(why);
  });

  it("[R10] an invalid regular expression is reported as such", () => {
    expect(() => compileLinearPattern("(")).toThrow(SyntaxError);
  });

  it("[R10] is distinguished from others by its text", () => {
    expect(String(compileLinearPattern("a"))).not.toBe(String(compileLinearPattern("b")));
  });

  it.each([
    ["^(a+)+$", "a"],
    ["^(a|a)*$", "a"],
    ["(x+x+)+y", "x"],
    ["^(\\w+\\s?)*$", "word "],
    ["(.*)(.*)(.*)(.*)(.*)z", "x"],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", "a"],
  ])("[R10] %s takes time proportional to the length of the text", (pattern, piece) => {
    // A backtracking engine would not return.
    expect(compileLinearPattern(pattern).test(`${piece.repeat(20_000)}!`)).toBe(false);
  });
});
