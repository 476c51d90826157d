/** `parseQuery` must agree with `URLSearchParams`, whatever a client sends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery, type QueryParameters } from "@/src/shared/http/query";

const NAMES = ["key", "uniqueId", "limit", "cursor", "dataOnly", "masterKey", "__proto__", ""];

/** Everything that a caller can read. */
function read(parameters: QueryParameters, names: readonly string[]) {
  const all = [...parameters];
  const asked = new Set([...names, ...all.map(([name]) => name)]);
  return { all, values: [...asked].map((name) => [name, parameters.get(name), parameters.getAll(name), parameters.has(name)]) };
}

function expectAgreement(query: string, names: readonly string[] = NAMES): void {
  expect(read(parseQuery(query), names)).toEqual(read(new URLSearchParams(query), names));
}

const part = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom("%", "%2", "%20", "%e4", "%C3%A4", "+", "?", "#", ";", "=", "==", "&&", "\u{feff}", "\ud800", "\u00e4", "\0", " "),
);
const query = fc.array(fc.oneof(part, fc.constantFrom("&", "=", "&", "=")), { maxLength: 12 }).map((parts) => parts.join(""));

describe("parseQuery", () => {
  it("[U1] agrees with URLSearchParams for every query", () => {
    fc.assert(
      fc.property(query, part, (text, name) => expectAgreement(text, [...NAMES, name])),
      { numRuns: 5000 },
    );
  });

  it.each(["", "&", "=", "a", "a=", "=a", "a=b=c", "a&a=1&a=2", "?a=1", "a=1&?b", "a=%41+b", "a=1&", "&&a=1", "a=\u00ff"])(
    "[U1] agrees with URLSearchParams for %j",
    (text) => expectAgreement(text, [...NAMES, "a", "?a", "b"]),
  );
});
