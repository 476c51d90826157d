/** Validates a body by its schema and reports the problems by field (G6, E1). Forms and the API share it, so they report the same. */
import * as z from "zod/mini";

/** The key of a problem that concerns the whole body. */
export const WHOLE_BODY = "body";

export type CheckedBody<Value> = { ok: true; value: Value } | { ok: false; fields: Record<string, string> };

/** The parsed `body` (trimmed, normalized), or its problems: field path (`allowedOrigins.1`) → message. */
export function checkBody<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): CheckedBody<z.output<Schema>> {
  const result = z.safeParse(schema, body, { reportInput: true });
  return result.success ? { ok: true, value: result.data } : { ok: false, fields: toFieldProblems(result.error.issues) };
}

/** Unknown fields are reported under their own names. Only the first problem of a field is kept. */
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
  // fromEntries defines properties instead of assigning them, so `__proto__` is an ordinary name.
  return Object.fromEntries(problems);
}
