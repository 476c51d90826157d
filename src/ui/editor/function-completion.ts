/** Completes the names of an access function's argument (S8.5 to S8.11, S8.21). Pure. */

export interface CompletionOption {
  label: string;
  detail: string;
}

const ARGUMENT: readonly CompletionOption[] = [
  { label: "operation", detail: "read, create, update, delete or subscribe" },
  { label: "user", detail: "the user who is logged in, or null" },
  { label: "record", detail: "the stored record; null for create" },
  { label: "input", detail: "the body of a create or update, or null" },
  { label: "request", detail: "origin and key" },
  { label: "now", detail: "milliseconds since 1970" },
  { label: "find", detail: "records of an endpoint of this project" },
];

/** By name of the object. */
const MEMBERS: ReadonlyMap<string, readonly CompletionOption[]> = new Map([
  [
    "user",
    [
      { label: "uniqueId", detail: "text" },
      { label: "endpoint", detail: "name of the authentication endpoint" },
      { label: "data", detail: "the user’s own record" },
    ],
  ],
  [
    "record",
    [
      { label: "uniqueId", detail: "text" },
      { label: "data", detail: "the JSON body, as stored" },
      { label: "owner", detail: "uniqueId of a user, or null" },
    ],
  ],
  [
    "request",
    [
      { label: "origin", detail: "of the page, or null" },
      { label: "key", detail: "name and scope" },
    ],
  ],
  [
    "key",
    [
      { label: "name", detail: "text" },
      { label: "scope", detail: "read, write or read_write" },
    ],
  ],
]);

const OPERATIONS: readonly CompletionOption[] = ["read", "create", "update", "delete", "subscribe"].map((label) => ({ label, detail: "" }));

/** Characters before the place that are considered. */
const BEFORE_MAX = 200;

/**
 * Returns what can be written at an offset, and where the replaced word begins. Null: nothing. `isExplicit`: the user asked; otherwise words are offered
 * from their first character.
 */
export function completeFunction(
  text: string,
  offset: number,
  isExplicit: boolean,
): { from: number; options: readonly CompletionOption[] } | null {
  const before = text.slice(Math.max(0, offset - BEFORE_MAX), offset);
  const operation = /\boperation\s*[=!]==?\s*["']([a-z]*)$/.exec(before);
  if (operation) return { from: offset - (operation[1]?.length ?? 0), options: OPERATIONS };
  const line = before.slice(before.lastIndexOf("\n") + 1);
  if (/\/\//.test(line) || /["'`][^"'`]*$/.test(line.replace(/"[^"]*"|'[^']*'|`[^`]*`/g, ""))) return null;
  const member = /([A-Za-z_$][\w$]*)\??\.([\w$]*)$/.exec(before);
  if (member) {
    const [, object = "", typed = ""] = member;
    const options = MEMBERS.get(object) ?? (object === findParameter(text) ? ARGUMENT : undefined);
    return options ? { from: offset - typed.length, options } : null;
  }
  const word = /(?<![.\w$])[A-Za-z_$][\w$]*$/.exec(before)?.[0] ?? "";
  if (word === "" && !isExplicit) return null;
  return /\.\s*$/.test(before) ? null : { from: offset - word.length, options: ARGUMENT };
}

/** The name of the function's only parameter. Undefined if its argument is taken apart. */
function findParameter(text: string): string | undefined {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const found =
    /^\s*(?:export\s+default\s+)?(?:async\s+)?(?:function\b\s*[\w$]*\s*\(\s*([A-Za-z_$][\w$]*)|\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>)/.exec(
      code,
    );
  return found?.[1] ?? found?.[2];
}
