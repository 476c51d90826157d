/** Parses the query of `projects/{id}/changes` (G46). */
import { AppError } from "@/src/shared/errors";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { parseExpression } from "@/src/shared/filters/parse-expression";
import { CHANGES_LIMIT_MAX, PROJECT_PLACE_PATTERN } from "@/src/shared/management/schemas";

const LIMIT_DEFAULT = 100;
const PLACE = new RegExp(PROJECT_PLACE_PATTERN);

/** A place between the changes of a project: a change, or the moment before a time. */
export interface ProjectPlace {
  atMs: number;
  change: { endpointId: string; seq: number } | undefined;
}

export interface ProjectChangesQuery {
  /** At most one of both is given. */
  before: ProjectPlace | undefined;
  after: ProjectPlace | undefined;
  limit: number;
  /** Undefined: all changes. Not with `after`. */
  expression: FilterExpression | undefined;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseProjectChangesQuery(parameters: URLSearchParams): ProjectChangesQuery {
  const problems = new Map<string, string>();
  const place = (name: string): ProjectPlace | undefined => {
    const text = parameters.get(name);
    if (text === null) return undefined;
    const [time = "", endpointId, seq] = PLACE.test(text) ? text.split("_") : [];
    const atMs = Date.parse(time);
    if (Number.isNaN(atMs)) problems.set(name, "Use a time like 2026-01-31T14:30:00.000Z, or the place of a change.");
    return { atMs, change: endpointId === undefined ? undefined : { endpointId, seq: Number(seq) } };
  };
  const limitText = parameters.get("limit") ?? String(LIMIT_DEFAULT);
  const limit = /^\d{1,6}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > CHANGES_LIMIT_MAX) problems.set("limit", `Use a whole number from 1 to ${CHANGES_LIMIT_MAX}.`);
  const before = place("before");
  const after = place("after");
  const parsed = parseExpression(parameters.get("query") ?? "", { hasEndpoints: true });
  if (!parsed.ok) problems.set("query", `Column ${parsed.problem.column}: ${parsed.problem.message}`);
  const expression = parsed.ok ? parsed.expression : undefined;
  if (before && after) problems.set("after", "Use only one of before and after.");
  else if (after && expression) problems.set("after", "Remove after: a query is searched from before on, towards older changes.");
  const [name, message] = [...problems][0] ?? [];
  if (name !== undefined) throw new AppError("parameter_invalid", { detail: `${name}: ${message}`, fields: Object.fromEntries(problems) });
  return { before, after, limit, expression };
}

/** The inverse of the parsing of `before` and `after`. */
export function formatProjectPlace(at: Date, endpointId: string, seq: number | bigint | string): string {
  return `${at.toISOString()}_${endpointId}_${seq}`;
}
