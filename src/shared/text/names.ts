/** The forms of names (U2): one place for forms, API and data plane. Isomorphic; no I/O. */
import { hasInvisible } from "@/src/shared/text/invisible";

const ENDPOINT_NAME = /^[a-z0-9](?:[a-z0-9/-]*[a-z0-9])?$/;
/** Joiners stand in words of some scripts. */
const PROJECT_NAME = /^(?:[\p{L}\p{M}\p{N} _-]|\u200c|\u200d)+$/u;

export const NAME_LENGTH_MAX = 254;

/** The same as keywords of JSON Schema, for descriptions (G5). Python's and Go's patterns have these, too. */
export const ENDPOINT_NAME_KEYWORDS = {
  minLength: 1,
  maxLength: NAME_LENGTH_MAX,
  pattern: "^[a-z0-9]+((-(/-)*/?|/(-/)*-?)[a-z0-9]+)*$",
};
/** Letters and digits of other scripts have no name that all patterns share. */
export const PROJECT_NAME_KEYWORDS = { minLength: 1, maxLength: NAME_LENGTH_MAX, pattern: "^([A-Za-z0-9 _-]|[^\\x00-\\x7f])+$" };

/** Why `name` can't name an endpoint, as a sentence for people, with a name that can; undefined when it can. */
export function endpointNameProblem(name: string): string | undefined {
  if (name === "" || name.length > NAME_LENGTH_MAX) return `Use 1 to ${NAME_LENGTH_MAX} characters.`;
  const problem = endpointFormProblem(name);
  const suggestion = problem && suggestEndpointName(name);
  return suggestion === undefined ? problem : `${problem} For example: ${suggestion}`;
}

function endpointFormProblem(name: string): string | undefined {
  if (!/^[a-z0-9/-]*$/.test(name)) return "Use only lowercase letters, digits, “-” and “/”.";
  if (!ENDPOINT_NAME.test(name)) return "Start and end with a letter or digit.";
  if (name.includes("--")) return "Do not use two “-” in a row.";
  if (name.includes("//")) return "Do not use two “/” in a row.";
  return undefined;
}

/** Why `name` can't name a project, as a sentence for people, with a name that can; undefined when it can. */
export function projectNameProblem(name: string): string | undefined {
  if (name === "" || [...name].length > NAME_LENGTH_MAX) return `Use 1 to ${NAME_LENGTH_MAX} characters.`;
  const problem = projectFormProblem(name);
  const suggestion = problem && suggestProjectName(name);
  return suggestion === undefined ? problem : `${problem} For example: ${suggestion}`;
}

function projectFormProblem(name: string): string | undefined {
  if (!PROJECT_NAME.test(name)) return "Use only letters, digits, spaces, “-” and “_”.";
  return hasInvisible(name) ? "Remove invisible characters." : undefined;
}

/** Letters that Unicode does not take apart. */
const SPELLED: Readonly<Record<string, string>> = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", þ: "th", ł: "l", ı: "i" };

/** “My Sensors!” → `my-sensors`. Undefined when the text has no letter (a to z) or digit. */
export function suggestEndpointName(text: string): string | undefined {
  const plain = text
    .slice(0, 4 * NAME_LENGTH_MAX)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
  return fitName(
    plain
      .replace(/[ßæœøđðþłı]/g, (letter) => SPELLED[letter] ?? letter)
      // No apostrophe parts a word.
      .replace(/(?<=[a-z0-9])['’](?=[a-z])/g, "")
      .replace(/\s*\/\s*/g, "/")
      .replace(/[^a-z0-9/]+/g, "-")
      .replace(/[-/]*\/[-/]*/g, "/"),
    /^[-/]+|[-/]+$/g,
  );
}

/** “My Sensors!” → `My Sensors`, in every script. Undefined when the text has no letter or digit. */
export function suggestProjectName(text: string): string | undefined {
  // Joiners are format characters.
  const plain = text
    .slice(0, 4 * NAME_LENGTH_MAX)
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}\p{Cf} _-]+/gu, " ");
  const visible = hasInvisible(plain) ? plain.replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, "") : plain;
  const name = fitName(visible.replace(/ {2,}/g, " "), /^[ _-]+|[ _-]+$/g);
  return name !== undefined && /[\p{L}\p{N}]/u.test(name) && !projectFormProblem(name) ? name : undefined;
}

/** `name` without `edges` at its ends, cut to the length that names may have. */
function fitName(name: string, edges: RegExp): string | undefined {
  return [...name.replace(edges, "")].slice(0, NAME_LENGTH_MAX).join("").replace(edges, "") || undefined;
}
