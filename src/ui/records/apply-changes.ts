/** Applies changes from the stream to the loaded rows. Rows change in place; new records are only counted, so that nothing moves. Pure. */

import type { GridPage, GridRow } from "../api/record-rows";
import type { StreamEvent } from "../stream/stream-event";

export interface Applied {
  pages: readonly GridPage[];
  /** Ids of new records that are not loaded. */
  created: readonly string[];
  /** Ids of deleted records. */
  deleted: readonly string[];
}

/** `events` must be in the order of the log. Returns the same pages if no row changes. */
export function applyChanges(pages: readonly GridPage[], events: readonly StreamEvent[]): Applied {
  const latest = new Map<string, StreamEvent>();
  const created = new Set<string>();
  for (const event of events) {
    latest.set(event.recordId, event);
    if (event.kind === "create") created.add(event.recordId);
    if (event.kind === "delete") created.delete(event.recordId);
  }
  let isTouched = false;
  const next = pages.map((page) => {
    const rows = page.rows.map((row) => {
      created.delete(row.id);
      const event = latest.get(row.id);
      return event ? applyTo(row, event) : row;
    });
    if (rows.every((row, index) => row === page.rows[index])) return page;
    isTouched = true;
    return { ...page, rows };
  });
  const deleted = [...latest.values()].filter(({ kind }) => kind === "delete").map(({ recordId }) => recordId);
  return { pages: isTouched ? next : pages, created: [...created], deleted };
}

function applyTo(row: GridRow, event: StreamEvent): GridRow {
  if (event.kind === "delete") return row.mark === "deleted" ? row : { ...row, mark: "deleted" };
  const updatedMs = Date.parse(row.updatedAt);
  if (event.updatedMs < updatedMs || (event.updatedMs === updatedMs && event.data === row.data)) return row;
  return { ...row, data: event.data, updatedAt: new Date(event.updatedMs).toISOString(), mark: "changed" };
}
