import { expect, test } from "vitest";
import { completeFunction } from "./function-completion";
import { INITIAL_STATE, type LineReader, readToken } from "./javascript-tokens";

/** The labels that are offered at the `|`. */
function offer(marked: string, isExplicit = false): string[] | undefined {
  const offset = marked.indexOf("|");
  const found = completeFunction(marked.replace("|", ""), offset, isExplicit);
  return found?.options.map(({ label }) => label);
}

test("[S8.5] the members of the function's argument are offered", () => {
  const all = ["operation", "user", "record", "input", "request", "now", "find"];
  expect(offer("({ u|")).toEqual(all);
  expect(offer("({ |")).toBeUndefined();
  expect(offer("({ |", true)).toEqual(all);
  expect(offer("({ user }) => user.|")).toEqual(["uniqueId", "endpoint", "data"]);
  expect(offer("({ user }) => user?.uni|")).toEqual(["uniqueId", "endpoint", "data"]);
  expect(offer("(access) => access.|")).toEqual(all);
  expect(offer("export default async function check(a) { return a.record.|")).toEqual(["uniqueId", "data", "owner"]);
  expect(offer("({ request }) => request.key.|")).toEqual(["name", "scope"]);
  expect(offer('({ operation }) => operation === "|')).toEqual(["read", "create", "update", "delete", "subscribe"]);
});

test("[S8.5] nothing is offered in comments, texts and unknown objects", () => {
  expect(offer("// the u|")).toBeUndefined();
  expect(offer('({ record }) => record.data.a === "us|')).toBeUndefined();
  expect(offer("({ record }) => record.data.|", true)).toBeUndefined();
});

/** The coloured parts of lines. */
function colour(...lines: string[]): string[] {
  const state = { ...INITIAL_STATE };
  return lines.flatMap((line) => {
    const found: string[] = [];
    let at = 0;
    const reader: LineReader = {
      match: (pattern) => {
        const text = pattern.exec(line.slice(at))?.[0];
        at += text?.length ?? 0;
        return text;
      },
      next: () => {
        at += 1;
      },
      skipToEnd: () => {
        at = line.length;
      },
    };
    while (at < line.length) {
      const start = at;
      const token = readToken(reader, state);
      expect(at).toBeGreaterThan(start);
      if (token) found.push(`${token} ${line.slice(start, at)}`);
    }
    return found;
  });
}

test("[S8] JavaScript is coloured", () => {
  expect(colour("return user.delete(1.5e3, 'a\\'b') // no", "const x = null")).toEqual([
    "keyword return",
    "number 1.5e3",
    "string 'a\\'b'",
    "comment // no",
    "keyword const",
    "atom null",
  ]);
  expect(colour("/* if", "else */ if", "`a", "b` + classes")).toEqual([
    "comment /* if",
    "comment else */",
    "keyword if",
    "string `a",
    "string b`",
  ]);
});
