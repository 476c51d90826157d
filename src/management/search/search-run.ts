/** Finds a part of a search that occurs unchanged in stored JSON, so that few records have to be decoded (G13). */

/** The ranges of characters that NFC replaces. */
const REPLACED_PLACES = [
  [0x340, 0xfb9],
  [0x1f71, 0x1ffd],
  [0x2000, 0x2adc],
  [0xf900, 0xfb4e],
  [0x1d15e, 0x1d1c0],
  [0x2f800, 0x2fa1d],
] as const;
/** Characters with short escapes, or that case folding produces from other characters. */
const NEVER = '"\\/iσ';
const UNSTABLE = /[\p{C}\p{M}\p{Zl}\p{Zp}\u1100-\u11ff]/u;

/**
 * Returns the longest part of `folded` (foldText) that occurs in every JSON text in which `folded` is found, apart from case and `\u` escapes.
 * Returns undefined if there is none.
 */
export function toSearchRun(folded: string): string | undefined {
  replacements ??= createReplacements();
  const runs: string[] = [""];
  for (const character of folded) {
    const run = runs.at(-1) ?? "";
    if (UNSTABLE.test(character)) {
      // A combining mark can be composed with the preceding character.
      runs[runs.length - 1] = [...run].slice(0, -1).join("");
      runs.push("");
    } else if (NEVER.includes(character) || character.normalize("NFD") !== character || replacements.has(character)) runs.push("");
    else runs[runs.length - 1] = run + character;
  }
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest)) || undefined;
}

/** The characters that NFC produces from others. Computed at the first search, in a few milliseconds. */
let replacements: ReadonlySet<string> | undefined;

function createReplacements(): Set<string> {
  const found = new Set<string>();
  for (const [from, to] of REPLACED_PLACES) {
    for (let code = from; code <= to; code += 1) {
      const character = String.fromCodePoint(code);
      const composed = character.normalize("NFC").toLowerCase();
      // For the Kelvin sign and similar characters, lower case alone has the same effect.
      if (composed !== character.toLowerCase()) for (const each of composed) found.add(each);
    }
  }
  return found;
}
