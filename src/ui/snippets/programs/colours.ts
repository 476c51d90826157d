/** Splits a program into coloured and other parts. Approximate, for display only. Pure. */
import type { Syntax } from "./program";

export type Colour = "comment" | "string" | "keyword" | "number" | "plain";

export interface Part {
  colour: Colour;
  text: string;
}

const KEYWORDS: Readonly<Record<Syntax, string>> = {
  c: "actor as async await break case catch class const continue default defer delete do else extension finally for func fun function guard if import in instanceof interface let new nil null override package private public return static struct switch throw throws true false try type typedef undefined using val var void when while",
  hash: "do done elif else esac exit fi for if in printf then true while case",
  python:
    "and as assert class def elif else except False finally for from global if import in is None not or pass raise return True try while with",
};

const STRINGS = String.raw`"""[^]*?"""|#"[^\n]*?"#|R"\([^]*?\)"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`;
const COMMENTS: Readonly<Record<Syntax, string>> = {
  c: String.raw`\/\*[^]*?\*\/|(?<![:\w])\/\/[^\n]*`,
  hash: String.raw`(?<=^|\s)#[^\n]*`,
  python: String.raw`#[^\n]*`,
};
const NUMBER = String.raw`\b\d[\d_.]*\b`;

const PATTERNS = Object.fromEntries(
  (["c", "hash", "python"] as const).map((syntax) => [
    syntax,
    new RegExp(
      `(?<comment>${COMMENTS[syntax]})|(?<string>${STRINGS}|\`(?:[^\`\\\\]|\\\\.)*\`)|(?<keyword>(?<![\\w.$-])(?:${KEYWORDS[syntax].replaceAll(" ", "|")})(?![\\w-]))|(?<number>${NUMBER})`,
      "gm",
    ),
  ]),
) as Record<Syntax, RegExp>;

/** The parts of the code, in order. Joined, they are the code. */
export function toParts(code: string, syntax: Syntax): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of code.matchAll(PATTERNS[syntax])) {
    const colour = (["comment", "string", "keyword", "number"] as const).find((name) => match.groups?.[name] !== undefined) ?? "plain";
    if (match.index > end) parts.push({ colour: "plain", text: code.slice(end, match.index) });
    parts.push({ colour, text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < code.length) parts.push({ colour: "plain", text: code.slice(end) });
  return parts;
}
