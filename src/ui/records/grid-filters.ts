/** Reads filter expressions (G27) as filters of the grid (G13), so that the console and the grid have one language. Pure; loaded when it is needed. */
import type { FilterExpression } from "@/src/shared/filters/filter-syntax";
import { parseExpression } from "@/src/shared/filters/parse-expression";
import type { RecordFilter } from "@/src/shared/streams/record-filter";
import { toFieldText } from "./edits/staged";

export type GridFilters = { ok: true; filters: readonly string[]; search: string | undefined } | { ok: false; problem: string };

/**
 * Conditions on fields become filters, and one text becomes the search. All must match. Whatever the grid cannot ask the server for is refused, and a
 * text that is not an expression with the column of its problem.
 */
export function toGridFilters(text: string): GridFilters {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { ok: false, problem: `Column ${parsed.problem.column}: ${parsed.problem.message}` };
  if (!parsed.expression) return { ok: false, problem: "Enter a condition, like age >= 21." };
  const filters: string[] = [];
  const texts: string[] = [];
  for (const part of parsed.expression.kind === "and" ? parsed.expression.parts : [parsed.expression]) {
    const filter = toFilter(part);
    if (filter) filters.push(toFilterText(filter));
    else if (part.kind === "text") texts.push(part.text);
    else if (part.kind === "record") texts.push(part.part);
    else return { ok: false, problem: PROBLEMS[part.kind] ?? "The grid can’t exclude this. Use != or missing." };
  }
  return texts.length > 1 ? { ok: false, problem: "The grid searches for one text at a time." } : { ok: true, filters, search: texts[0] };
}

const PROBLEMS: Partial<Record<FilterExpression["kind"], string>> = {
  or: "The grid’s conditions must all match. Enter one at a time, without |.",
  and: "The grid’s conditions must all match. Enter them without parentheses.",
  pattern: "The grid has no regular expressions. Use ~ for a part of a text, like name ~ ada.",
  operation: "op: is for changes in the console. Records have no operation.",
  size: "The grid can’t compare sizes.",
  endpoint: "endpoint: is for the changes of a project.",
  time: "time: is for changes in the console. Sort records by Updated to see the latest.",
};

function toFilter(part: FilterExpression): RecordFilter | undefined {
  if (part.kind === "value") return part.filter;
  if (part.kind !== "not" || part.part.kind !== "value") return undefined;
  const { filter } = part.part;
  const opposite = ({ "=": "!=", "!=": "=", exists: "missing", missing: "exists" } as const)[
    filter.operator as "=" | "!=" | "exists" | "missing"
  ];
  return opposite && { ...filter, operator: opposite };
}

/** The filter in the form of G13. */
function toFilterText({ path, operator, value }: RecordFilter): string {
  const field = toFieldText(path);
  if (!value) return `${field} ${operator}`;
  return `${field} ${operator} ${value.kind === "string" ? JSON.stringify(value.text) : value.text}`;
}
