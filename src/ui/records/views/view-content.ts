/** The content of a saved view, and its comparison with the grid. Pure. */
import type { RecordView, StoredView } from "@/src/shared/management/record-views";
import type { GridQuery } from "../../api/record-rows";
import { type Layout, WIDTH_PX } from "../grid/grid-layout";

/** `layout`: undefined for the columns of the rows. */
export function toContent({ search, filters, order }: GridQuery, layout: Layout | undefined): StoredView {
  const columns = layout
    ? layout.columns.map(({ path, width }) => (width === undefined ? { path: [...path] } : { path: [...path], width: Math.round(width) }))
    : null;
  return { search: search.trim(), filter: [...filters], order, columns, hidden: [...(layout?.hidden ?? [])] };
}

export function isShown({ search, filter, order, columns, hidden }: RecordView, content: StoredView): boolean {
  return JSON.stringify({ search, filter, order, columns, hidden }) === JSON.stringify(content);
}

export function toQuery({ search, filter, order }: RecordView): GridQuery {
  return { search, filters: filter, order };
}

/** Undefined: the columns of the rows. */
export function toLayout({ columns, hidden }: RecordView): Layout | undefined {
  if (!columns) return undefined;
  const toWidth = (width: number) => Math.min(Math.max(width, WIDTH_PX.min), WIDTH_PX.max);
  return { columns: columns.map(({ path, width }) => (width === undefined ? { path } : { path, width: toWidth(width) })), hidden };
}
