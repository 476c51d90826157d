/** One row of the list: a change, or a mark between changes. Drawn anew only when what it shows differs. */
import { memo } from "react";
import { formatBytes } from "../format/number";
import { formatClock } from "../format/time";
import { isMarkKind } from "./event-ring";
import { GridCell, GridRow } from "./grid-parts";
import { OperationMark } from "./operations";
import type { RowView } from "./row-view";
import { ROW_PX } from "./row-window";

export const COLUMNS = "flex gap-x-3 px-4 max-sm:gap-x-2 max-sm:px-3";
/** Widths are fixed and cells contain themselves: at thousands of changes a second layout is what costs. */
export const CELLS = {
  seq: "w-15 shrink-0 text-right max-sm:hidden",
  time: "w-25 shrink-0 max-sm:w-23",
  operation: "w-22 shrink-0 max-sm:w-3",
  record: "w-21 shrink-0 max-sm:hidden",
  preview: "min-w-0 flex-1 truncate",
  size: "w-18 shrink-0 text-right max-sm:hidden",
};

interface Props {
  row: RowView;
  /** Place in the list as assistive technology counts, the head being 1. */
  rowIndex: number;
  /** Undefined: in the flow, for the first paint. */
  topPx: number | undefined;
  selected: boolean;
  /** Times are local; the server does not know where. */
  showTime: boolean;
  onSelect: (ordinal: number) => void;
}

export const EventRow = memo(
  function EventRow({ row, rowIndex, topPx, selected, showTime, onSelect }: Props) {
    const place = topPx === undefined ? { height: ROW_PX } : { height: ROW_PX, transform: `translateY(${topPx}px)` };
    const placed = topPx === undefined ? "" : "absolute inset-x-0 top-0";
    if (isMarkKind(row.kind)) return <Mark row={row} rowIndex={rowIndex} placed={placed} place={place} />;
    const { kind } = row;
    return (
      <GridRow
        id={selected ? toRowId(row.ordinal) : undefined}
        aria-rowindex={rowIndex}
        aria-selected={selected}
        style={place}
        onClick={() => onSelect(row.ordinal)}
        className={`${COLUMNS} ${placed} items-center overflow-hidden font-mono text-data whitespace-nowrap contain-strict ${
          selected ? "bg-selected shadow-[inset_2px_0_0_var(--focus)]" : "hover:bg-hover"
        }`}
      >
        <GridCell className={`${CELLS.seq} text-muted`}>{row.seq}</GridCell>
        <GridCell className={`${CELLS.time} text-muted`}>{showTime ? formatClock(row.atMs) : ""}</GridCell>
        <GridCell className={CELLS.operation}>
          {kind === "create" || kind === "update" || kind === "delete" ? <OperationMark operation={kind} /> : null}
        </GridCell>
        <GridCell className={`${CELLS.record} text-muted`}>{toShortId(row.recordId)}</GridCell>
        <GridCell className={`${CELLS.preview} ${kind === "delete" ? "text-muted" : ""}`}>{row.preview}</GridCell>
        <GridCell className={`${CELLS.size} text-muted`}>{formatBytes(row.size)}</GridCell>
      </GridRow>
    );
  },
  (before, after) =>
    before.row.ordinal === after.row.ordinal &&
    before.row.preview === after.row.preview &&
    before.row.seq === after.row.seq &&
    before.rowIndex === after.rowIndex &&
    before.topPx === after.topPx &&
    before.selected === after.selected &&
    before.showTime === after.showTime &&
    before.onSelect === after.onSelect,
);

function Mark({ row, rowIndex, placed, place }: { row: RowView; rowIndex: number; placed: string; place: { height: number } }) {
  const isGap = row.kind === "gap";
  return (
    <GridRow aria-rowindex={rowIndex} style={place} className={`${placed} flex items-center gap-3 px-4`}>
      <span aria-hidden="true" className={`h-px flex-1 ${isGap ? "bg-warn" : "bg-line-firm"}`} />
      <GridCell className={`truncate text-data font-medium ${isGap ? "text-warn" : "text-live"}`}>{row.preview}</GridCell>
      <span aria-hidden="true" className={`h-px flex-1 ${isGap ? "bg-warn" : "bg-line-firm"}`} />
    </GridRow>
  );
}

export function toRowId(ordinal: number): string {
  return `event-${ordinal}`;
}

/** The end of an id is its random part, which tells records apart; the beginning is the time. */
function toShortId(recordId: string): string {
  return `…${recordId.slice(-8)}`;
}
