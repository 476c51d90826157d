/** Finds a part of a search that stands in JSON as it is stored, so that few records have to be read whole (G13). Pure. */

/** Where characters are that NFC replaces by others. */
const REPLACED_PLACES = [
  [0x340, 0xfb9],
  [0x1f71, 0x1ffd],
  [0x2000, 0x2adc],
  [0xf900, 0xfb4e],
  [0x1d15e, 0x1d1c0],
  [0x2f800, 0x2fa1d],
] as const;
/** They have escapes of their own, or folding makes them of others. */
const NEVER = '"\\/iσ';
const UNSTABLE = /[\p{C}\p{M}\p{Zl}\p{Zp}\u1100-\u11ff]/u;

/**
 * The longest part of `folded` (foldText) that stands alike in each JSON text in which `folded` is found, except for case and for `\u` escapes.
 * Undefined: there is none.
 */
export function toSearchRun(folded: string): string | undefined {
  replacements ??= createReplacements();
  const runs: string[] = [""];
  for (const character of folded) {
    const run = runs.at(-1) ?? "";
    if (UNSTABLE.test(character)) {
      // A mark may be composed with what is in front of it.
      runs[runs.length - 1] = [...run].slice(0, -1).join("");
      runs.push("");
    } else if (NEVER.includes(character) || character.normalize("NFD") !== character || replacements.has(character)) runs.push("");
    else runs[runs.length - 1] = run + character;
  }
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest)) || undefined;
}

/** What NFC makes of other characters; made with the first search, in a few milliseconds. */
let replacements: ReadonlySet<string> | undefined;

function createReplacements(): Set<string> {
  const found = new Set<string>();
  for (const [from, to] of REPLACED_PLACES) {
    for (let code = from; code <= to; code += 1) {
      const character = String.fromCodePoint(code);
      const composed = character.normalize("NFC").toLowerCase();
      // Of the Kelvin sign and the like lower case alone makes the same.
      if (composed !== character.toLowerCase()) for (const each of composed) found.add(each);
    }
  }
  return found;
}
