/** Checks a body by its schema and says what is wrong, by field (G6, E1). Isomorphic: forms and the API say the same. */
import * as z from "zod/mini";

/** The key under which a problem of the whole body is told. */
export const WHOLE_BODY = "body";

export type CheckedBody<Value> = { ok: true; value: Value } | { ok: false; fields: Record<string, string> };

/** `body` as the schema has it (trimmed, normalised), or what is wrong with it: field path (`allowedOrigins.1`) → message. */
export function checkBody<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): CheckedBody<z.output<Schema>> {
  const result = z.safeParse(schema, body, { reportInput: true });
  return result.success ? { ok: true, value: result.data } : { ok: false, fields: toFieldProblems(result.error.issues) };
}

/** Unknown fields are told by their own names; the first problem of a field wins. */
function toFieldProblems(issues: readonly z.core.$ZodIssue[]): Record<string, string> {
  const problems = new Map<string, string>();
  const note = (path: readonly PropertyKey[], message: string) => {
    const field = path.length === 0 ? WHOLE_BODY : path.map(String).join(".");
    if (!problems.has(field)) problems.set(field, message);
  };
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") for (const key of issue.keys) note([...issue.path, key], "Unknown field.");
    else if (issue.path.length === 0 && issue.code === "invalid_type") note([], "Send a JSON object.");
    else note(issue.path, issue.code !== "custom" && issue.input === undefined ? "This field is required." : issue.message);
  }
  // fromEntries defines rather than assigns, so `__proto__` is a name like others.
  return Object.fromEntries(problems);
}
