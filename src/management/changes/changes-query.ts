/** Parses the query of `endpoints/{id}/changes` (G7, G27). */
import { AppError } from "@/src/shared/errors";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { parseExpression } from "@/src/shared/filters/parse-expression";
import { CHANGES_LIMIT_MAX } from "@/src/shared/management/schemas";
import { isUniqueId } from "@/src/shared/streams/protocol";
import type { PageEdges } from "./list-changes";

const LIMIT_DEFAULT = 100;

export interface ChangesQuery extends PageEdges {
  /** Instead of `after`: the changes at or after this time. */
  time: Date | null;
  limit: number;
  /** 32 hex digits. */
  recordId: string | null;
  /** Null: all changes. Not with `after`, `time` and `recordId`. */
  expression: FilterExpression | null;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseChangesQuery(parameters: URLSearchParams): ChangesQuery {
  const problems = new Map<string, string>();
  const integer = (name: string, min: number, max: number): number | null => {
    const text = parameters.get(name);
    if (text === null) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) problems.set(name, `Use a whole number from ${min} to ${max}.`);
    return value;
  };
  const before = integer("before", 1, Number.MAX_SAFE_INTEGER);
  const after = integer("after", 0, Number.MAX_SAFE_INTEGER);
  const limit = integer("limit", 1, CHANGES_LIMIT_MAX) ?? LIMIT_DEFAULT;
  const recordId = parameters.get("recordId");
  if (recordId !== null && !isUniqueId(recordId)) problems.set("recordId", "Use 32 lowercase hex digits.");
  const timeText = parameters.get("time");
  const time = timeText === null ? null : new Date(TIME.test(timeText) ? timeText : Number.NaN);
  if (time !== null && Number.isNaN(time.getTime())) problems.set("time", "Use a time of ISO 8601 with a zone, like 2026-01-31T14:30:00Z.");
  const parsed = parseExpression(parameters.get("query") ?? "");
  if (!parsed.ok) problems.set("query", `Column ${parsed.problem.column}: ${parsed.problem.message}`);
  const [second] = ["before", "after", "time"].filter((name) => parameters.has(name)).slice(1);
  if (second !== undefined) problems.set(second, "Use only one of before, after and time.");
  const expression = parsed.ok ? (parsed.expression ?? null) : null;
  for (const name of expression ? ["after", "time", "recordId"] : []) {
    if (parameters.has(name)) problems.set(name, `Remove ${name}: a query is searched from before on, towards older changes.`);
  }
  if (problems.size > 0) {
    const [name, message] = [...problems][0] ?? [];
    throw new AppError("parameter_invalid", { detail: `${name}: ${message}`, fields: Object.fromEntries(problems) });
  }
  return { before, after, time, limit, recordId, expression };
}
