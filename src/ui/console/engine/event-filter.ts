/** The console's filter: an expression (G27), the shown operations and a range of time. Decides which events match. Pure. */
import type { FilterExpression, ParsedExpression } from "@/src/shared/filters/filter-syntax";
import { parseExpression } from "@/src/shared/filters/parse-expression";
import { readTimeRange, type TimeRange, writeTimeRange } from "@/src/shared/filters/time-range";
import { OPERATIONS, type Operation } from "../../stream/operations";
import { isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";
import { type CompilePattern, compileExpression, containsPattern } from "./match-expression";

export interface EventFilter {
  /** A filter expression as typed. One that is not valid hides nothing. */
  text: string;
  operations: readonly Operation[];
  /** Only changes of this time. Undefined: of any time. */
  range?: TimeRange | undefined;
  /** It is for the changes of a project, so its text can name endpoints. */
  isProject?: boolean;
  /** Changes that do not match are dimmed instead of hidden, and the log is not searched. */
  dims: boolean;
}

export const FILTER_NONE: EventFilter = { text: "", operations: OPERATIONS, dims: false };

/** True if everything matches. */
export function isFilterEmpty(filter: EventFilter): boolean {
  return toExpression(filter) === undefined;
}

/** A filter as URL parameters: `q` is the text, `op` the operations unless all are shown, `dim` is `1` if others are dimmed, `time` is the range. */
export interface FilterQuery {
  q: string | null;
  op: string | null;
  dim: string | null;
  time: string | null;
}

/** Ignores unknown operations, and a range that is not valid. */
export function parseFilter({ q, op, dim, time }: FilterQuery, isProject = false): EventFilter {
  const named = op?.split(",");
  const operations = named ? OPERATIONS.filter((operation) => named.includes(operation)) : OPERATIONS;
  const read = time === null ? undefined : readTimeRange(time);
  return { text: q ?? "", operations, dims: dim === "1", range: read?.ok ? read.range : undefined, ...(isProject ? { isProject } : {}) };
}

/** The inverse of parseFilter. */
export function toFilterQuery({ text, operations, dims, range }: EventFilter): FilterQuery {
  return {
    q: text === "" ? null : text,
    op: isAll(operations) ? null : operations.join(","),
    dim: dims ? "1" : null,
    time: range ? writeTimeRange(range) : null,
  };
}

let latest: { text: string; isProject: boolean; parsed: ParsedExpression } | undefined;

/** Parses the text of a filter. The last result is kept, because each render needs it. */
export function parseFilterText({ text, isProject = false }: Pick<EventFilter, "text" | "isProject">): ParsedExpression {
  if (latest?.text !== text || latest.isProject !== isProject)
    latest = { text, isProject, parsed: parseExpression(text, { hasEndpoints: isProject }) };
  return latest.parsed;
}

/** The whole filter as an expression. Undefined: everything matches. */
export function toExpression(filter: EventFilter): FilterExpression | undefined {
  const { operations, range } = filter;
  const parsed = parseFilterText(filter);
  const parts: FilterExpression[] = [];
  if (!isAll(operations)) parts.push({ kind: "operation", operations });
  if (range) parts.push({ kind: "time", ...range });
  if (parsed.ok && parsed.expression) parts.push(parsed.expression);
  return parts.length > 1 ? { kind: "and", parts } : parts[0];
}

/** True if the filter contains a regular expression. */
export function hasPattern(filter: EventFilter): boolean {
  const expression = toExpression(filter);
  return expression !== undefined && containsPattern(expression);
}

/** The whole filter as the text of an expression, for the server. Undefined: everything matches, or nothing can. */
export function toQueryText(filter: EventFilter): string | undefined {
  const { operations, text, range } = filter;
  if (operations.length === 0 || toExpression(filter) === undefined) return undefined;
  const parts: string[] = [];
  if (!isAll(operations)) parts.push(`op:${operations.join(",")}`);
  if (range) parts.push(`time:${writeTimeRange(range)}`);
  if (parseFilterText(filter).ok && text.trim() !== "") parts.push(parts.length > 0 ? `(${text})` : text);
  return parts.join(" & ");
}

function isAll(operations: readonly Operation[]): boolean {
  return OPERATIONS.every((operation) => operations.includes(operation));
}

/** Compiles a filter. Marks always match: a gap in the stream concerns every filter. `compile`: for regular expressions, which match nothing without it. */
export function createMatcher(filter: EventFilter, compile?: CompilePattern): (ring: EventRing, ordinal: number) => boolean {
  const expression = toExpression(filter);
  if (expression === undefined) return () => true;
  const matches = compileExpression(expression, compile);
  return (ring, ordinal) => isMarkKind(ring.kind(ordinal)) || matches(ring, ordinal);
}
