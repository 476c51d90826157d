/** Every error of the catalogue is reached by a test (E2): one that names its code, or its message where only that is seen. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";

/** They list codes without reaching them. */
const LISTS = new Set(["tests/errors.test.ts", "tests/spec.test.ts", "tests/contract/manage/openapi.test.ts"]);

/** What tests see of errors that come without code and message. */
const SEEN_AS: Readonly<Record<string, string>> = { message_too_big: "1009" };

const TESTS = ["src", "app", "tests", "e2e"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => path.posix.join(folder, file))
    .filter((file) => /\.(?:test|spec)\.tsx?$/.test(file) && !LISTS.has(file))
    .map((file) => readFileSync(file, "utf8")),
);

it("[E2] every error that is documented is reached by a test", () => {
  expect(TESTS.length).toBeGreaterThan(50);
  const unreached = Object.entries(ERRORS).filter(
    ([code, { message }]) => !TESTS.some((text) => text.includes(SEEN_AS[code] ?? `"${code}"`) || text.includes(message)),
  );
  expect(unreached.map(([code]) => code)).toEqual([]);
});
