/** Checks that a test produces every error of the catalogue (E2): a test that names its code, or its message if only that is visible. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";

/** These files list codes without producing the errors. */
const LISTS = new Set(["tests/errors.test.ts", "tests/spec.test.ts", "tests/contract/manage/openapi.test.ts"]);

/** The members that tests see of errors that arrive without code and message. */
const SEEN_AS: Readonly<Record<string, string>> = { message_too_big: "1009" };

const TESTS = ["src", "app", "tests", "e2e"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => path.posix.join(folder, file))
    .filter((file) => /\.(?:test|spec)\.tsx?$/.test(file) && !LISTS.has(file))
    .map((file) => readFileSync(file, "utf8")),
);

it("[E2] a test produces every documented error", () => {
  expect(TESTS.length).toBeGreaterThan(50);
  const unreached = Object.entries(ERRORS).filter(
    ([code, { message }]) => !TESTS.some((text) => text.includes(SEEN_AS[code] ?? `"${code}"`) || text.includes(message)),
  );
  expect(unreached.map(([code]) => code)).toEqual([]);
});
