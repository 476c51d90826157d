/** The classes and texts of a row, for the first paint and for the list. Pure. */
import { formatBytes } from "../../format/format-number";
import { formatClock } from "../../format/format-time";
import { OPERATION_STYLES } from "../../stream/operations";
import type { EventKind } from "../../stream/stream-event";
import type { RowView } from "./row-view";

export const COLUMNS = ["seq", "time", "operation", "record", "preview", "size"] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * Cells have fixed positions and CSS containment, so that a new text costs the layout of one cell and not of the row. On narrow screens the
 * operation's cell shows only its glyph.
 */
const CELL = "absolute inset-y-0 overflow-hidden contain-strict";
export const PLACES: Readonly<Record<Column, string>> = {
  seq: `${CELL} left-4 w-15 text-right max-sm:hidden`,
  time: `${CELL} left-22 w-25 max-sm:left-3 max-sm:w-24`,
  operation: `${CELL} left-50 w-22 max-sm:left-28 max-sm:w-3`,
  record: `${CELL} left-75 w-21 max-sm:hidden`,
  preview: `${CELL} right-25 left-99 text-ellipsis max-sm:right-3 max-sm:left-34`,
  size: `${CELL} right-4 w-18 text-right max-sm:hidden`,
};

/** The width of the data cell in a list of the given width, in pixels. */
export function toPreviewPx(widthPx: number): number {
  return widthPx - (widthPx < 640 ? 148 : 496);
}

export const ROW = "inset-x-0 h-7 overflow-hidden font-mono text-data leading-7 whitespace-pre contain-strict";
export const ROW_SELECTED = "bg-selected shadow-[inset_2px_0_0_var(--focus)]";
export const ROW_FREE = "hover:bg-hover";

const MUTED = "text-muted";
const TONES: Readonly<Record<EventKind, { row: string; operation: string; preview: string }>> = {
  create: { row: "", operation: OPERATION_STYLES.create.colour, preview: "" },
  update: { row: "", operation: OPERATION_STYLES.update.colour, preview: "" },
  delete: { row: "", operation: OPERATION_STYLES.delete.colour, preview: MUTED },
  resumed: { row: "bg-inset", operation: "", preview: "font-sans font-medium text-live" },
  gap: { row: "bg-inset", operation: "", preview: "font-sans font-medium text-warn" },
};

/** The class of a row, without position and selection. */
export function toRowTone(kind: EventKind): string {
  return TONES[kind].row;
}

/** The class of a cell. */
export function toCellClass(column: Column, kind: EventKind): string {
  const tones = TONES[kind];
  const tone = column === "operation" ? tones.operation : column === "preview" ? tones.preview : MUTED;
  return tone === "" ? PLACES[column] : `${PLACES[column]} ${tone}`;
}

/** The text of a cell. `showTime` is false on the server, which does not know the time zone. */
export function toCellText(column: Column, row: RowView, showTime: boolean): string {
  const { kind } = row;
  if (column === "preview") return row.preview;
  if (column === "time") return showTime ? formatClock(row.atMs) : "";
  if (kind === "resumed" || kind === "gap") return "";
  switch (column) {
    case "seq":
      return String(row.seq);
    case "operation":
      return `${OPERATION_STYLES[kind].glyph} ${kind}`;
    case "record":
      // The end of an id is random and distinguishes records. The start is a time.
      return `…${row.recordId.slice(-8)}`;
    case "size":
      return formatBytes(row.size);
  }
}

/** The element id of the active row. */
export function toRowId(ordinal: number): string {
  return `event-${ordinal}`;
}
