/** The forms of names (U2): one place for forms, API and data plane. Isomorphic; no I/O. */

const ENDPOINT_NAME = /^[a-z0-9][a-z0-9/-]*[a-z0-9]$/;
const PROJECT_NAME = /^[A-Za-z0-9 _-]+$/;

export const NAME_LENGTH_MIN = 5;
export const NAME_LENGTH_MAX = 254;

/** The same as keywords of JSON Schema, for descriptions (G5). Python's and Go's patterns have these, too. */
export const ENDPOINT_NAME_KEYWORDS = {
  minLength: NAME_LENGTH_MIN,
  maxLength: NAME_LENGTH_MAX,
  pattern: "^[a-z0-9]+((-(/-)*/?|/(-/)*-?)[a-z0-9]+)*$",
};
export const PROJECT_NAME_KEYWORDS = { minLength: NAME_LENGTH_MIN, maxLength: NAME_LENGTH_MAX, pattern: PROJECT_NAME.source };

/** Why `name` can't name an endpoint, as a sentence for people; undefined when it can. */
export function endpointNameProblem(name: string): string | undefined {
  if (name.length < NAME_LENGTH_MIN || name.length > NAME_LENGTH_MAX) return `Use ${NAME_LENGTH_MIN} to ${NAME_LENGTH_MAX} characters.`;
  if (!/^[a-z0-9/-]*$/.test(name)) return "Use only lowercase letters, digits, “-” and “/”.";
  if (!ENDPOINT_NAME.test(name)) return "Start and end with a letter or digit.";
  if (name.includes("--")) return "Don't put two “-” side by side.";
  if (name.includes("//")) return "Don't put two “/” side by side.";
  return undefined;
}

/** Why `name` can't name a project, as a sentence for people; undefined when it can. */
export function projectNameProblem(name: string): string | undefined {
  if (name.length < NAME_LENGTH_MIN || name.length > NAME_LENGTH_MAX) return `Use ${NAME_LENGTH_MIN} to ${NAME_LENGTH_MAX} characters.`;
  if (!PROJECT_NAME.test(name)) return "Use only letters, digits, spaces, “-” and “_”.";
  return undefined;
}
