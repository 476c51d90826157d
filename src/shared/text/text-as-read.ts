/** Text as people read it (G13): whatever its spelling in JSON, its Unicode normal form and its case. Isomorphic; the database's functions have the same rules. */

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(.))/gs;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
/** What PostgreSQL cannot hold: NUL, and halves of surrogate pairs (pairs are one character to this pattern). */
const UNSTORABLE = /[\0\p{Cs}]/gu;
const ASCII = /^[\0-\x7f]*$/;
/** To normalize a run of combining marks takes a time that grows with the square of its length. No language writes so many (UAX 15, Stream-Safe Text). */
const LONG_RUN_OF_MARKS = /\p{M}{31}/u;

/** `text` in NFC, unless it has more than 30 combining marks in a row; with U+FFFD for NUL characters and for halves of surrogate pairs. */
export function normalizeText(text: string): string {
  const storable = text.replace(UNSTORABLE, "\ufffd");
  return LONG_RUN_OF_MARKS.test(storable) ? storable : storable.normalize("NFC");
}

/** The form in which texts are compared without regard to case: lower case in NFC; `ς` is `σ`, and an `i` with a dot is `i`. */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.replaceAll("\0", "\ufffd").toLowerCase();
  return normalizeText(text.toLowerCase()).replaceAll("i\u0307", "i").replaceAll("\u03c2", "\u03c3");
}

/** What is searched: a valid JSON text in which each escape is replaced by its character, folded. A folded text that is looked for is part of it or not. */
export function toSearchText(json: string): string {
  // In JSON a backslash always begins an escape.
  return foldText(json.includes("\\") ? json.replace(ESCAPE, toCharacter) : json);
}

function toCharacter(_: string, hex: string | undefined, short: string): string {
  return hex === undefined ? (SHORT_ESCAPES[short] ?? short) : String.fromCharCode(Number.parseInt(hex, 16));
}
