/** Keeps retired words out: private names of things that have a standard name, and phrases that are not plain English. */
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

/**
 * Retired names and what to write instead. Each is found as a word of its own, as a part of an identifier, and in a file's name:
 * "once key" finds `onceKey`, `toOnceKeys`, `ONCE_KEY` and `once-key`.
 */
const NAMES: Readonly<Record<string, string>> = {
  asker: "caller",
  "change pump": "log tailer",
  "commit once": "commit idempotent",
  "delete quietly": "delete without logging",
  "find asked": "find end requested",
  "find once": "find stored response",
  flusher: "write batcher",
  "is door client": "record commit",
  "is torn": "is corrupted",
  "job clock": "CPU clock",
  "mark repeat": "mark replayed",
  "node link": "cluster bus",
  pump: "log tailer",
  "once key": "idempotency key",
  "rate gate": "rate limit policy",
  "readable anywhere": "CORS for any origin",
  "record door": "record commit",
  "row look": "row style",
  sayer: "publisher of the cluster bus",
  "stream keeper": "stream registry",
  ticker: "scheduler",
  "to repeat": "replay",
};

/** Where a sentence begins: in a comment, in a line of Markdown, or behind another sentence. */
const START = String.raw`(?:^[ \t]*(?:/\*\*|\*|//|--|-|\d+\.|>)? ?|(?<=[a-z0-9)\`"'][.:;] ))`;

/** Phrases that are wrong or must be read twice, and what to write instead. */
const PHRASES: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bsrc\/control\b/g, "src/management"],
  [/(?<![a-z.])doors?(?![a-z])/g, "record commit"],
  [/\b(?:is|are|was|were) no more(?=[.,;:)\n])/g, "was deleted, does not exist"],
  [/\bfor good\b(?! reason)/g, "permanently"],
  [/\bfor ever\b/g, "indefinitely"],
  [/\banew\b/g, "again"],
  [/\bRaises\b/g, "Throws"],
  [/\bAnswers\b/g, "Returns, or Responds with"],
  [/\b(?:is|are|was|were|be) told\b/g, "is notified, receives"],
  [/\b(?:hears|hears? of|heard of)\b/g, "receives, is notified of"],
  [/\bsigns? of life\b/g, "heartbeat"],
  [/\b[Ii]t must not (?:know|import|open|judge)\b/g, "nothing, unless the boundary surprises"],
  [/\bgoes? away\b/g, "disconnects, becomes unavailable"],
  [/\bso often\b/g, "a number or an interval"],
  [/\bshall\b/g, "must, or the present tense"],
  [/\bWhoever\b/g, "the noun that is meant"],
  // Questions are right: only a sentence that does not end with a question mark is found.
  [new RegExp(`${START}(?:Who|Whom) [a-z][^?\\n]*?[.;:](?:\\s|$)`, "gm"), "the noun that is meant, as the subject"],
  [new RegExp(`${START}What [a-z][^?\\n]*?[.;:](?:\\s|$)`, "gm"), "the noun that is meant, as the subject"],
];

/** Hits that are right, and why. A test fails when one is no longer needed. */
const EXCEPTIONS: readonly { file: string; text: string; reason: string }[] = [];

const ROOTS = ["app", "bench", "docs", "e2e", "examples", "prisma/schema.prisma", "prisma/sql", "scripts", "src", "tests", ".github"];
const TEXT = /\.(tsx?|mjs|mts|js|css|md|sql|prisma|html|ya?ml|go|py|java|json)$/;
const SELF = "tests/words.test.ts";

const files = [
  ...ROOTS.flatMap(list),
  ...fs.readdirSync(".").filter((name) => TEXT.test(name) && !/^(CHANGELOG\.md|CODE_OF_CONDUCT\.md|package-lock\.json)$/.test(name)),
];

function list(place: string): string[] {
  if (place === "src/db/prisma/generated" || place === SELF) return [];
  if (!fs.statSync(place).isDirectory()) return TEXT.test(place) ? [place] : [];
  return fs.readdirSync(place).flatMap((name) => list(path.posix.join(place, name)));
}

/** "once key": once-key, once_key, onceKey, OnceKey, ONCE_KEY, and all of these with an s, also inside of an identifier. */
function toPattern(name: string): RegExp {
  const words = name.split(" ");
  const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
  const [first = "", ...rest] = words;
  const tail = rest.map((word) => `(?:[-_]${word}|[-_]?${capital(word)})`).join("");
  const start = `(?:(?<![A-Za-z])(?:${first}|${capital(first)})|(?<=[a-z0-9])${capital(first)})`;
  return new RegExp(`${start}${tail}s?(?![a-z])|\\b${words.join("_").toUpperCase()}S?\\b`, "g");
}

interface Hit {
  file: string;
  line: number;
  text: string;
  instead: string;
}

const NAME_PATTERNS = Object.entries(NAMES).map(([name, instead]) => [toPattern(name), instead] as const);

/** The retired names and phrases of a file, its name included. */
function find(file: string, content: string): Hit[] {
  const text = `${file}\n${content}`;
  return [...NAME_PATTERNS, ...PHRASES].flatMap(([pattern, instead]) =>
    [...text.matchAll(pattern)].map((match) => ({
      file,
      // The first line is the file's name.
      line: text.slice(0, match.index).split("\n").length - 1,
      text: match[0].trim(),
      instead,
    })),
  );
}

function isException(hit: Hit): boolean {
  return EXCEPTIONS.some(({ file, text }) => file === hit.file && text === hit.text);
}

const hits = files.flatMap((file) => find(file, fs.readFileSync(file, "utf8")));

test("retired names and phrases stay out of code, comments, texts and file names", () => {
  expect(files.length).toBeGreaterThan(800);
  const wrong = hits.filter((hit) => !isException(hit));
  expect(wrong.map(({ file, line, text, instead }) => `${file}:${line}: "${text}": write "${instead}"`)).toEqual([]);
});

test("each exception is needed", () => {
  const unused = EXCEPTIONS.filter(({ file, text }) => !hits.some((hit) => hit.file === file && hit.text === text));
  expect(unused).toEqual([]);
});

test("the check finds names in every form, and leaves other words alone", () => {
  const found = (content: string): string[] => find("a.ts", content).map(({ text }) => text);
  expect(found("onceKey OnceKeys toOnceKey once-key.ts ONCE_KEY")).toEqual(["onceKey", "OnceKeys", "OnceKey", "once-key", "ONCE_KEY"]);
  expect(found("a ticker, newTicker(); stickers ticket")).toEqual(["ticker", "Ticker"]);
});

test("the check finds phrases at the start of sentences, and leaves questions and other sentences alone", () => {
  const found = (content: string): number => find("a.ts", content).length;
  expect(found("/** What is stored: two records. */")).toBe(1);
  expect(found("// The log is kept. Who comes too late reads a GAP.")).toBe(1);
  expect(found("- What a crash leaves behind is removed.")).toBe(1);
  expect(found("/** Answers the record, or raises. */")).toBe(1);
  expect(found("// What is stored? Two records.\n// It describes what is stored.\n## What changes\n// The one who asks is notified.")).toBe(
    0,
  );
});
