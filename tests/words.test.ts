/** Keeps retired words out: private names of things that have a standard name, and phrases that are not plain English. */
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

/**
 * Retired names and what to write instead. Each is found as a word of its own, as a part of an identifier, and in a file's name:
 * "once key" finds `onceKey`, `toOnceKeys`, `ONCE_KEY` and `once-key.ts`.
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
  "node link": "cluster bus",
  pump: "log tailer",
  "once key": "idempotency key",
  "record door": "record commit",
  "row look": "row style",
  sayer: "publisher of the cluster bus",
  "stream keeper": "stream registry",
  ticker: "scheduler",
  "to repeat": "replay",
};

/** Phrases that are wrong or must be read twice, and what to write instead. */
const PHRASES: readonly (readonly [phrase: RegExp, instead: string])[] = [[/\bsrc\/control\b/g, "src/management"]];

/** Hits that are right, and why. A test fails when one is not needed any more. */
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

const PATTERNS = [...Object.entries(NAMES).map(([name, instead]) => [toPattern(name), instead] as const), ...PHRASES];

/** The retired names and phrases of a file, its name included. */
function find(file: string, content: string): Hit[] {
  return PATTERNS.flatMap(([pattern, instead]) =>
    [...`${file}\n${content}`.matchAll(pattern)].map((match) => ({
      file,
      // The first line is the file's name.
      line: `${file}\n${content}`.slice(0, match.index).split("\n").length - 1,
      text: match[0],
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
