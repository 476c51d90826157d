import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEARCH_CASES } from "@/tests/support/text-cases";
import { foldText, normalizeText, toSearchText } from "./fold-text";

describe("[G13] text as read by people", () => {
  it.each(SEARCH_CASES)("in browsers: $what", ({ json, finds, misses = [] }) => {
    const text = toSearchText(json);
    expect(finds.filter((each) => !text.includes(foldText(each)))).toEqual([]);
    expect(misses.filter((each) => text.includes(foldText(each)))).toEqual([]);
  });

  it("finds each string in its JSON, in either case and any normal form", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const found = toSearchText(JSON.stringify({ text }));
        for (const each of [text, normalizeText(text), normalizeText(text).normalize("NFD")])
          expect(found).toContain(`"${foldText(each)}"`);
      }),
    );
  });

  it("the normal form of a text does not matter", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const folded = foldText(text);
        for (const form of ["NFC", "NFD"]) expect(foldText(normalizeText(text).normalize(form))).toBe(folded);
      }),
    );
  });
});
