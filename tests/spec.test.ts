/** Compares docs/SPEC.md with the code: the error catalogue row by row, and the ID of every rule with the tests that carry it. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";
import { CLOSE_REASON_BYTES_MAX } from "@/src/shared/streams/protocol";

const SPEC = readFileSync("docs/SPEC.md", "utf8");

/** A row of the table under "The catalogue". */
const toRow = ([code, { status, close, retryable, message }]: [string, (typeof ERRORS)[keyof typeof ERRORS]]) =>
  `| \`${code}\` | ${status} | ${close} | ${retryable ? "yes" : "no"} | ${message} |`;

describe("docs/SPEC.md", () => {
  it("[E2] lists every error of the catalogue, and no other", () => {
    const rows = SPEC.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows).toEqual(Object.entries(ERRORS).map(toRow));
  });

  it("[E2] gives each error the status of the catalogue", () => {
    const named = [...SPEC.matchAll(/\b[1-5]\d\d `[a-z_]+`/g)].map(([text]) => text);
    const known = new Set(Object.entries(ERRORS).map(([code, { status }]) => `${status} \`${code}\``));
    // A WebSocket version other than 13 (W14).
    known.add("426 `upgrade_invalid`");
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((text) => !known.has(text))).toEqual([]);
  });

  it("[W3] every message fits into a close frame", () => {
    for (const [code, { message }] of Object.entries(ERRORS)) {
      expect(Buffer.byteLength(message), code).toBeLessThanOrEqual(CLOSE_REASON_BYTES_MAX);
    }
  });

  it("sorts the rules of each section, and numbers the sentences of each rule", () => {
    const misplaced: string[] = [];
    let [section, rule, sentence] = ["", 0, 1];
    for (const line of SPEC.slice(0, SPEC.indexOf("## The catalogue")).split("\n")) {
      const [, heading, ruleId] = /^(?:## ([A-Z]) |- \*\*([A-Z]\d+)\*\*)/.exec(line) ?? [];
      const [, sentenceId] = /^ {2}- (\S+) /.exec(line) ?? [];
      if (heading) [section, rule, sentence] = [heading, 0, 1];
      if (ruleId) {
        const number = Number(ruleId.slice(1));
        if (!ruleId.startsWith(section) || number <= rule || sentence === 0) misplaced.push(ruleId);
        [rule, sentence] = [number, 0];
      }
      if (sentenceId && sentenceId !== `${section}${rule}.${++sentence}`) misplaced.push(sentenceId);
    }
    expect(misplaced).toEqual([]);
  });

  it("has a test for every rule", () => {
    const rules = [...SPEC.matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, id]) => id);
    const tests = ["src", "tests", "e2e"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(?:test|spec)\.ts$/.test(file))
        .map((file) => readFileSync(path.join(folder, file), "utf8")),
    );
    const untested = rules.filter((id) => !tests.some((text) => text.includes(`[${id}]`)));
    expect(rules.length).toBeGreaterThan(30);
    expect(untested).toEqual([]);
  });
});
