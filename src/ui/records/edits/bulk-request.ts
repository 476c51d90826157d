/** Requests that change fields of all records that match. Pure. */

import type { GridQuery } from "../../api/record-rows";
import { parseCell } from "./staged";

/** A change as it is entered. */
export interface DraftChange {
  field: string;
  op: "set" | "remove";
  /** The typed value, read like a cell. */
  typed: string;
}

/** The records that are changed: those that match the query, or the named ones. */
export interface Scope {
  query: Pick<GridQuery, "search" | "filters">;
  uniqueIds: readonly string[] | undefined;
}

export type ParsedDraft = { ok: true; text: string } | { ok: false; index: number; field: "field" | "value"; problem: string };

/** The JSON text of the list of changes, or the first problem. The server checks the paths. */
export function toChangesText(changes: readonly DraftChange[]): ParsedDraft {
  const texts: string[] = [];
  for (const [index, { field, op, typed }] of changes.entries()) {
    if (field.trim() === "") return { ok: false, index, field: "field", problem: "Enter a field, like status or user.name." };
    const name = JSON.stringify(field.trim());
    if (op === "remove") {
      texts.push(`{"field":${name},"remove":true}`);
      continue;
    }
    const value = parseCell(typed);
    if (!value.ok) return { ok: false, index, field: "value", problem: value.problem };
    if (value.text === undefined) return { ok: false, index, field: "value", problem: 'Enter a value. "" is the empty text.' };
    texts.push(`{"field":${name},"value":${value.text}}`);
  }
  return { ok: true, text: `[${texts.join(",")}]` };
}

/** The JSON text of a request. */
export function toUpdateBody(changesText: string, { query, uniqueIds }: Scope, cursor?: string): string {
  const selection = uniqueIds
    ? { uniqueIds }
    : { ...(query.search.trim() === "" ? {} : { search: query.search.trim() }), filter: query.filters };
  const rest = JSON.stringify({ ...selection, ...(cursor === undefined ? {} : { cursor }) });
  return `{"changes":${changesText},${rest.slice(1)}`;
}
