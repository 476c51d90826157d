/** Holds docs/SPEC.md against the code: the error catalogue row by row, and every rule's ID against the tests that carry it. */
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

  it("[W3] every message fits into a close frame", () => {
    for (const [code, { message }] of Object.entries(ERRORS)) {
      expect(Buffer.byteLength(message), code).toBeLessThanOrEqual(CLOSE_REASON_BYTES_MAX);
    }
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
