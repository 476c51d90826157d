/** How a row looks: its classes and the texts of its cells. One place for the first paint and for the list that follows it. Pure. */
import { formatBytes } from "../../format/format-number";
import { formatClock } from "../../format/format-time";
import { OPERATION_STYLES } from "../../stream/operations";
import type { EventKind } from "../../stream/stream-event";
import type { RowView } from "./row-view";

export const COLUMNS = ["seq", "time", "operation", "record", "preview", "size"] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * Cells have fixed places and contain themselves, so that a new text costs the layout of one cell, not of the row. On narrow screens the
 * operation's cell is as wide as its sign, and cuts the word off.
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

/** How wide the cell of data is in a list of this width, in pixels. */
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

/** The row's own class, without place and selection. */
export function toRowTone(kind: EventKind): string {
  return TONES[kind].row;
}

/** A cell's class. */
export function toCellClass(column: Column, kind: EventKind): string {
  const tones = TONES[kind];
  const tone = column === "operation" ? tones.operation : column === "preview" ? tones.preview : MUTED;
  return tone === "" ? PLACES[column] : `${PLACES[column]} ${tone}`;
}

/** A cell's text. `showTime`: times are local, and the server does not know where that is. */
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
      // The end of an id is its random part, which tells records apart; the beginning is the time.
      return `…${row.recordId.slice(-8)}`;
    case "size":
      return formatBytes(row.size);
  }
}

/** The id that the grid names its active row by. */
export function toRowId(ordinal: number): string {
  return `event-${ordinal}`;
}
