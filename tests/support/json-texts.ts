/** JSON texts of any shape, for property-based tests: as clients write them, with digits and keys that a parse would change. */
import fc from "fast-check";

const KEYS = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("a", "b", "data", "uniqueId", "__proto__", "a.b", "x[0]"),
);
const NUMBERS_AND_WORDS = ["null", "true", "false", "1.0", "-0", "1e400", "0.1e-7", "12345678901234567890", "{}", "[]"];

/** Texts of JSON values. `strings`: the contents of strings; default: any. PostgreSQL cannot store NUL characters, so R1 excludes them. */
export function jsonTexts({ strings = fc.string({ unit: "grapheme" }) }: { strings?: fc.Arbitrary<string> } = {}): fc.Arbitrary<string> {
  const { any } = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      strings.map((each) => JSON.stringify(each)),
      fc.constantFrom(...NUMBERS_AND_WORDS),
      fc.array(tie("any"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
      toObjectTexts(tie("any")),
    ),
  }));
  return any.filter(isStorable);
}

/** Texts of JSON objects. */
export function jsonObjectTexts(): fc.Arbitrary<string> {
  return toObjectTexts(jsonTexts()).filter(isStorable);
}

function toObjectTexts(values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .uniqueArray(fc.tuple(KEYS, values), { maxLength: 4, selector: ([name]) => name })
    .map((members) => `{${members.map(([name, member]) => `${JSON.stringify(name)}:${member}`).join(",")}}`);
}

function isStorable(text: string): boolean {
  return !text.includes("\\u0000");
}
