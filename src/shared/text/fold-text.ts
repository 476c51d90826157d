/**
 * Converts text to a searchable form (G13), independent of its spelling in JSON, its Unicode normal form and its case. The database's functions
 * follow the same rules.
 */

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(.))/gs;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
/** Characters that PostgreSQL cannot store: NUL and unpaired surrogates. (This pattern sees a surrogate pair as one character.) */
const UNSTORABLE = /[\0\p{Cs}]/gu;
const ASCII = /^[\0-\x7f]*$/;
/** Normalizing a run of combining marks takes quadratic time. No language uses such long runs (UAX 15, Stream-Safe Text). */
const LONG_RUN_OF_MARKS = /\p{M}{31}/u;

/** `text` in NFC, unless it contains more than 30 combining marks in a row. NUL and unpaired surrogates are replaced by U+FFFD. */
export function normalizeText(text: string): string {
  const storable = text.replace(UNSTORABLE, "\ufffd");
  return LONG_RUN_OF_MARKS.test(storable) ? storable : storable.normalize("NFC");
}

/** The form for case-insensitive comparison: lower case in NFC; `ς` becomes `σ`, and `i` followed by a combining dot above becomes `i`. */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.replaceAll("\0", "\ufffd").toLowerCase();
  return normalizeText(text.toLowerCase()).replaceAll("i\u0307", "i").replaceAll("\u03c2", "\u03c3");
}

/**
 * The searched form of a valid JSON text: every escape is replaced by its character, then case is folded. A record matches if
 * this form contains the folded search text.
 */
export function toSearchText(json: string): string {
  // In JSON a backslash always begins an escape.
  return foldText(json.includes("\\") ? json.replace(ESCAPE, toCharacter) : json);
}

function toCharacter(_: string, hex: string | undefined, short: string): string {
  return hex === undefined ? (SHORT_ESCAPES[short] ?? short) : String.fromCharCode(Number.parseInt(hex, 16));
}
