/** Finds invisible characters, so that two different names cannot look the same. */

/** Control characters, unpaired surrogates, line breaks, characters without a glyph, and the empty Braille cell. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

/**
 * Letters that join to the next one in Arabic scripts, and letters that join to the previous one. Right-joining letters are only among the second.
 */
const JOINS_NEXT =
  "[\\u0620\\u0626\\u0628\\u062a-\\u062e\\u0633-\\u063f\\u0641-\\u0647\\u0649\\u064a\\u066e\\u066f\\u0678-\\u0687\\u069a-\\u06bf\\u06c1\\u06c2\\u06cc\\u06ce\\u06d0\\u06d1\\u06fa-\\u06fc\\u06ff]";
const JOINS_PREVIOUS =
  "[\\u0620\\u0622-\\u063f\\u0641-\\u064a\\u066e\\u066f\\u0671-\\u0673\\u0675-\\u06d3\\u06d5\\u06ee\\u06ef\\u06fa-\\u06fc\\u06ff]";
/** They join consonants in the scripts of South and South-East Asia. */
const VIRAMA =
  "[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u103a\\u17d2\\u1a60\\u1b44\\u1baa\\u1bab\\u1bf2\\u1bf3\\ua8c4\\ua953\\ua9c0\\uabed\\u{11046}\\u{110b9}\\u{11133}\\u{111c0}\\u{11235}\\u{1134d}\\u{114c2}]";
const EMOJI = "\\p{Extended_Pictographic}[\\u{1f3fb}-\\u{1f3ff}]?\\ufe0f?";

/** Positions in which joiners and selectors change what is displayed (RFC 5892 A.1 and A.2, UAX 31), and those in emoji. */
const SEEN = new RegExp(
  [
    `(?<=${JOINS_NEXT}\\p{Mn}*)\\u200c(?=\\p{Mn}*${JOINS_PREVIOUS})`,
    `(?<=\\p{L}\\p{M}*${VIRAMA})(?:\\u200c(?=\\p{L})|\\u200d(?!\\p{M}))`,
    `(?<=${EMOJI})\\u200d(?=\\p{Extended_Pictographic})`,
    "(?<=\\p{Extended_Pictographic})\\ufe0f",
    "(?<=[0-9#*])\\ufe0f(?=\\u20e3)",
    // The flags of England, Scotland and Wales.
    "(?<=\\u{1f3f4})\\u{e0067}\\u{e0062}(?:\\u{e0065}\\u{e006e}\\u{e0067}|\\u{e0073}\\u{e0063}\\u{e0074}|\\u{e0077}\\u{e006c}\\u{e0073})\\u{e007f}",
  ].join("|"),
  "gu",
);

/** True if a short text contains a control character or an invisible one. Joiners count only where they have no visible effect. */
export function hasInvisible(text: string): boolean {
  return UNSEEN.test(text) && UNSEEN.test(text.replace(SEEN, ""));
}
