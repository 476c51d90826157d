/** Which times a search of the log has to look through, how long it may take, and its errors. */
import { AppError } from "@/src/shared/errors";
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import type { TimeRange } from "@/src/shared/filters/time-range";

/** Changes are ordered by time, except for those of transactions that overlap for at most this long. */
export const TIME_SLACK_MS = 60_000;

/** A search responds once it has taken this long, with what it has found until then. */
export const SEARCH_MS = 800;
/** The time limit of one statement, which looks through one block of changes. */
export const STATEMENT_MS = 5_000;
/** The number of changes in a block: at first, and at least. It doubles while blocks take less than BLOCK_FAST_MS, and shrinks after a time-out. */
export const BLOCK_FIRST = 500;
export const BLOCK_MIN = 8;
export const BLOCK_FAST_MS = 100;

/** The times that every match of the expression has. */
export function toRequiredTimes(expression: FilterExpression): TimeRange {
  const parts = expression.kind === "and" ? expression.parts.map(toRequiredTimes) : expression.kind === "time" ? [expression] : [];
  const from = parts.flatMap(({ fromMs }) => fromMs ?? []);
  const to = parts.flatMap(({ toMs }) => toMs ?? []);
  return { fromMs: from.length > 0 ? Math.max(...from) : undefined, toMs: to.length > 0 ? Math.min(...to) : undefined };
}

export function tooComplex(cause: unknown): AppError {
  const message = "Use a simpler regular expression: the database cannot match this one.";
  return new AppError("parameter_invalid", { detail: `query: ${message}`, fields: { query: message }, cause });
}

export function tooSlow(cause: unknown): AppError {
  const message = "The search takes too long. Use a simpler filter.";
  return new AppError("parameter_invalid", { detail: `query: ${message}`, fields: { query: message }, cause });
}
