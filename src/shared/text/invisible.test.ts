import { describe, expect, it } from "vitest";
import { hasInvisible } from "./invisible";

describe("[L1] invisible characters", () => {
  it.each([
    ["Persian", "می\u200cخواهم"],
    ["Persian, with marks", "مِیّ\u200cخواهم"],
    ["Urdu", "بن\u200cگئے"],
    ["Hindi, half letters", "क्\u200dष"],
    ["Hindi, apart", "क्\u200cष"],
    ["Malayalam", "അവന്\u200d"],
    ["Sinhala", "ශ්\u200dරී"],
    ["a family", "👨\u200d👩\u200d👧\u200d👦"],
    ["an astronaut with a tone of skin", "👩🏽\u200d🚀"],
    ["a flag of two emoji", "🏳\ufe0f\u200d🌈"],
    ["a heart on fire", "❤\ufe0f\u200d🔥"],
    ["a key", "1\ufe0f\u20e3"],
    ["a flag of tags", "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
    ["letters taken apart", "e\u0301"],
    ["plain text", "Ada Lovelace"],
  ])("are not in %s", (_, text) => {
    expect(hasInvisible(text)).toBe(false);
  });

  it.each([
    ["a joiner between Latin letters", "ad\u200da"],
    ["a non-joiner between Latin letters", "ad\u200ca"],
    ["a joiner at the end", "ada\u200d"],
    ["a joiner at the beginning", "\u200dada"],
    ["a non-joiner after a letter that does not join", "دا\u200cر"],
    ["a non-joiner at the end of a word", "می\u200c"],
    ["two non-joiners", "می\u200c\u200cخواهم"],
    ["a non-joiner after a virama that ends the word", "क्\u200c"],
    ["a joiner without a virama", "क\u200dष"],
    ["two joiners after a virama", "क्\u200d\u200dष"],
    ["a joiner after an emoji", "👩\u200d"],
    ["a joiner between an emoji and a letter", "👩\u200da"],
    ["a selector after a letter", "a\ufe0f"],
    ["two selectors", "❤\ufe0f\ufe0f"],
    ["tags that are no flag", "🏴\u{e0061}\u{e007f}"],
    ["tags after a letter", "a\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
    ["a space of no width", "ad\u200ba"],
    ["a word joiner", "ad\u2060a"],
    ["a soft hyphen", "ad\u00ada"],
    ["a mark of direction", "ada\u202e"],
    ["a grapheme joiner", "ad\u034fa"],
    ["a Hangul filler", "ada\u3164"],
    ["a Hangul filler of half width", "ada\uffa0"],
    ["an empty Braille cell", "ada\u2800"],
    ["a byte order mark", "\ufeffada"],
    ["half a pair", "ada\ud83d"],
    ["a line break", "ada\n"],
  ])("are in %s", (_, text) => {
    expect(hasInvisible(text)).toBe(true);
  });
});
