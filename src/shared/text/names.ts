/** The form of names (U2), for forms, the API and the data plane. */
import { hasInvisible } from "@/src/shared/text/invisible";

const ENDPOINT_NAME = /^[a-z0-9](?:[a-z0-9/-]*[a-z0-9])?$/;
/** Joiners occur within words of some scripts. */
const PROJECT_NAME = /^(?:[\p{L}\p{M}\p{N} _-]|\u200c|\u200d)+$/u;

export const NAME_LENGTH_MAX = 254;

/** The same rules as keywords of JSON Schema, for API descriptions (G5). Patterns of Python and Go support them, too. */
export const ENDPOINT_NAME_KEYWORDS = {
  minLength: 1,
  maxLength: NAME_LENGTH_MAX,
  pattern: "^[a-z0-9]+((-(/-)*/?|/(-/)*-?)[a-z0-9]+)*$",
};
/** No class for letters and digits of other scripts is supported by all pattern syntaxes. */
export const PROJECT_NAME_KEYWORDS = { minLength: 1, maxLength: NAME_LENGTH_MAX, pattern: "^([A-Za-z0-9 _-]|[^\\x00-\\x7f])+$" };

/** Explains why `name` cannot name an endpoint, and suggests a valid name. Undefined if it can. */
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

/** Explains why `name` cannot name a project, and suggests a valid name. Undefined if it can. */
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

/** Letters that Unicode does not decompose. */
const SPELLED: Readonly<Record<string, string>> = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", þ: "th", ł: "l", ı: "i" };

/** “My Sensors!” → `my-sensors`. Undefined if the text has no letter (a to z) or digit. */
export function suggestEndpointName(text: string): string | undefined {
  const plain = text
    .slice(0, 4 * NAME_LENGTH_MAX)
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
  return fitName(
    plain
      .replace(/[ßæœøđðþłı]/g, (letter) => SPELLED[letter] ?? letter)
      // An apostrophe does not separate words.
      .replace(/(?<=[a-z0-9])['’](?=[a-z])/g, "")
      .replace(/\s*\/\s*/g, "/")
      .replace(/[^a-z0-9/]+/g, "-")
      .replace(/[-/]*\/[-/]*/g, "/"),
    /^[-/]+|[-/]+$/g,
  );
}

/** “My Sensors!” → `My Sensors`, in every script. Undefined if the text has no letter or digit. */
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

/** Removes `edges` from both ends of `name`, and cuts it to the maximum length of names. */
function fitName(name: string, edges: RegExp): string | undefined {
  return [...name.replace(edges, "")].slice(0, NAME_LENGTH_MAX).join("").replace(edges, "") || undefined;
}
