/** The classes and texts of a row, for the first paint and for the list. Pure. */
import { formatBytes } from "../../format/format-number";
import { formatClock } from "../../format/format-time";
import { OPERATION_STYLES } from "../../stream/operations";
import type { EventKind } from "../../stream/stream-event";
import type { RowView } from "./row-view";

/** JSON paths that can have a column of their own. */
export const PINS_MAX = 3;

const FIXED = ["seq", "time", "operation", "record"] as const;
const PINS = ["pin-0", "pin-1", "pin-2"] as const;
export type Column = (typeof FIXED)[number] | "endpoint" | (typeof PINS)[number] | "preview" | "size";

/** The columns of a list, in order. `pins`: the number of pinned paths. */
export function toColumns(pins: number, hasEndpoints: boolean): readonly Column[] {
  const fixed: Column[] = hasEndpoints ? ["seq", "time", "operation", "endpoint", "record"] : [...FIXED];
  return [...fixed, ...PINS.slice(0, pins), "preview", "size"];
}

/** The index of the pinned path that a column shows; undefined for other columns. */
export function toPinIndex(column: Column): number | undefined {
  return column === "pin-0" ? 0 : column === "pin-1" ? 1 : column === "pin-2" ? 2 : undefined;
}

/** The height of the head, which stays at the top, and of the line above the first row. */
export const LIST_HEAD_PX = 28;
export const LIST_START_PX = 28;

/** The width of a character of the data: 0.6 em of 12 px. */
const CHARACTER_PX = 7.2;
const PIN_PX = 120;
/** The widths of the endpoint's column. As in the classes below. */
const ENDPOINT_PX = 120;
const ENDPOINT_NARROW_PX = 76;
/** The widths of the list from which it shows all columns, and the seq and the record. In rem as in the classes below. */
const WIDE_PX = 62 * 16;
const MEDIUM_PX = 37.5 * 16;

/**
 * Where the data starts and, for `--pins`, how many columns precede it. On a narrow list, the data comes first: the size, and then the
 * record, the seq and the pinned columns are left out, and the operation is only a glyph.
 */
export const DATA_PLACE =
  "[--endpoint:0px] [--data:396px] @max-[62rem]:[--data:320px] @max-[37.5rem]:[--data:136px] @max-[37.5rem]:[--pins:0]!";

/** Of a list with endpoints. */
export const ENDPOINT_PLACE = "[--endpoint:120px]! @max-[37.5rem]:[--endpoint:76px]!";

/** Cells have fixed positions. Each row is laid out by itself: containment of each cell would cost more than their layout. */
const CELL = "absolute inset-y-0 overflow-hidden";
const PIN = `${CELL} w-28 @max-[37.5rem]:hidden`;
export const PLACES: Readonly<Record<Column, string>> = {
  seq: `${CELL} left-4 w-15 text-right @max-[37.5rem]:hidden`,
  time: `${CELL} left-22 w-25 @max-[37.5rem]:left-3 @max-[37.5rem]:w-24`,
  operation: `${CELL} left-50 w-22 @max-[62rem]:w-3 @max-[37.5rem]:left-28`,
  endpoint: `${CELL} left-75 w-28 text-ellipsis @max-[62rem]:left-56 @max-[37.5rem]:left-34 @max-[37.5rem]:w-17`,
  record: `${CELL} left-[calc(300px+var(--endpoint))] w-21 @max-[62rem]:left-[calc(224px+var(--endpoint))] @max-[37.5rem]:hidden`,
  "pin-0": `${PIN} left-[calc(var(--data)+var(--endpoint))]`,
  "pin-1": `${PIN} left-[calc(var(--data)+var(--endpoint)+120px)]`,
  "pin-2": `${PIN} left-[calc(var(--data)+var(--endpoint)+240px)]`,
  preview: `${CELL} right-25 left-[calc(var(--data)+var(--endpoint)+var(--pins,0)*120px)] @max-[62rem]:right-4 @max-[37.5rem]:right-3`,
  size: `${CELL} right-4 w-18 text-right @max-[62rem]:hidden`,
};

/** The characters that fit into the data cell of a list of the given width, in pixels. */
export function toPreviewCharacters(widthPx: number, pins: number, hasEndpoints: boolean): number {
  const [start, end] = widthPx >= WIDE_PX ? [396, 100] : widthPx >= MEDIUM_PX ? [320, 16] : [136, 12];
  const pinned = widthPx >= MEDIUM_PX ? pins * PIN_PX : 0;
  const endpoint = !hasEndpoints ? 0 : widthPx >= MEDIUM_PX ? ENDPOINT_PX : ENDPOINT_NARROW_PX;
  return Math.max(1, Math.floor((widthPx - start - end - pinned - endpoint) / CHARACTER_PX));
}

// Data needs no kerning and no ligatures, and shaping it without them takes half of the time.
export const ROW =
  "relative h-7 overflow-hidden font-mono text-data leading-7 whitespace-pre contain-strict [font-kerning:none] [text-rendering:optimizeSpeed]";
export const ROW_SELECTED = "bg-selected shadow-[inset_2px_0_0_var(--focus)]";
export const ROW_FREE = "hover:bg-hover";
export const ROW_DIMMED = "*:text-muted!";

const MUTED = "text-muted";
const TONES: Readonly<Record<EventKind, { row: string; operation: string; preview: string }>> = {
  create: { row: "", operation: OPERATION_STYLES.create.colour, preview: "" },
  update: { row: "", operation: OPERATION_STYLES.update.colour, preview: "" },
  delete: { row: "", operation: OPERATION_STYLES.delete.colour, preview: MUTED },
  resumed: { row: "bg-inset", operation: "", preview: "font-sans font-medium text-live" },
  gap: { row: "bg-inset", operation: "", preview: "font-sans font-medium text-warn" },
};

/** The class of a row, without selection. */
export function toRowTone(kind: EventKind): string {
  return TONES[kind].row;
}

/** The class of a cell. */
export function toCellClass(column: Column, kind: EventKind): string {
  const tones = TONES[kind];
  const isData = column === "preview" || toPinIndex(column) !== undefined;
  const tone = column === "operation" ? tones.operation : isData ? tones.preview : column === "endpoint" ? "" : MUTED;
  return tone === "" ? PLACES[column] : `${PLACES[column]} ${tone}`;
}

/** The text of a cell. `showTime` is false on the server, which does not know the time zone. */
export function toCellText(column: Column, row: RowView, showTime: boolean): string {
  const { kind } = row;
  if (column === "preview") return row.preview;
  if (column === "time") return showTime ? formatClock(row.atMs) : "";
  if (column === "endpoint") return row.endpoint;
  if (kind === "resumed" || kind === "gap") return "";
  const pin = toPinIndex(column);
  if (pin !== undefined) return row.pins[pin] ?? "";
  switch (column) {
    case "seq":
      return String(row.seq);
    case "operation":
      return `${OPERATION_STYLES[kind].glyph} ${kind}`;
    case "record":
      // The end of an id is random and distinguishes records. The start is a time.
      return `…${row.recordId.slice(-8)}`;
    default:
      return formatBytes(row.size);
  }
}

export interface PreviewPiece {
  text: string;
  /** Keys and punctuation, beside values. */
  muted: boolean;
}

/** The pieces of a row's preview. Values are not muted. */
export function toPieces({ preview, values }: Pick<RowView, "preview" | "values">): PreviewPiece[] {
  const pieces: PreviewPiece[] = [];
  const add = (from: number, to: number, muted: boolean) => {
    const text = preview.slice(from, to);
    if (text !== "") pieces.push({ text, muted });
  };
  let at = 0;
  for (let index = 0; index < values.length && at < preview.length; index += 2) {
    const [start = 0, end = 0] = [values[index], values[index + 1]];
    add(at, start, true);
    add(Math.max(at, start), end, false);
    at = Math.max(at, end);
  }
  add(at, preview.length, values.length > 0);
  return pieces;
}

/** The element id of the active row. */
export function toRowId(ordinal: number): string {
  return `event-${ordinal}`;
}
