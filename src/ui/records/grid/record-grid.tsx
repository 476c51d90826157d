/** The grid of records. Only visible rows are rendered. It has one tab stop and refers to its active row by `aria-activedescendant`. */
"use client";

import { type KeyboardEvent, type MouseEvent, memo, useSyncExternalStore } from "react";
import type { GridRow as Row } from "../../api/record-rows";
import { classNames } from "../../components/class-names";
import { formatTime } from "../../format/format-time";
import { Grid, GridCell, GridHeadCell, GridRow } from "../../grid/grid-parts";
import { ROW_PX } from "../../grid/row-window";
import { type ColumnPath, toCellText, toColumnName, WHOLE } from "./grid-columns";
import type { RowWindow } from "./use-row-window";

export const GRID_HEAD_PX = 28;
const DATA_CELL_PX = 120;
/** The width of the other columns: checkbox, id and, on wide screens, two times. */
const WIDTH = "relative w-full [--fixed:25.75rem] max-sm:[--fixed:9.25rem]";

const CELL = "min-w-0 shrink-0 truncate px-2";
const PLACES = {
  checkbox: "w-9 shrink-0 grid place-items-center",
  id: `${CELL} w-28 text-muted`,
  data: `${CELL} flex-1 basis-30`,
  time: `${CELL} w-33 text-muted max-sm:hidden`,
};

export interface ShownSort {
  /** `created`, `updated`, or the result of {@link toSortColumn}. */
  column: string;
  descending: boolean;
}

interface Props {
  rows: readonly Row[];
  columns: readonly ColumnPath[];
  rowWindow: RowWindow;
  /** The number of all rows, if it is known. */
  total: number | undefined;
  activeId: string | undefined;
  openId: string | undefined;
  /** Undefined: rows cannot be selected. */
  selected: ReadonlySet<string> | undefined;
  sort: ShownSort;
  busy: boolean;
  onActive: (id: string) => void;
  onOpen: (id: string) => void;
  onToggle: (id: string) => void;
  /** For the mouse only. The toolbar has a control that is accessible to everyone. */
  onSort: (column: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

const never = () => () => undefined;

export function RecordGrid({ rows, columns, rowWindow, total, activeId, openId, selected, sort, busy, ...handlers }: Props) {
  // Times are local, and the server does not know the time zone.
  const showTimes = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const drawn = rows.slice(rowWindow.from, rowWindow.to);
  const isActiveDrawn = drawn.some(({ id }) => id === activeId);
  const names = columns.map(toColumnName);
  const onClick = (event: MouseEvent) => {
    const target = event.target instanceof Element ? event.target : null;
    const id = target?.closest<HTMLElement>("[data-record]")?.dataset.record;
    if (id === undefined) return;
    handlers.onActive(id);
    if (target?.closest("[data-checkbox]")) handlers.onToggle(id);
    else handlers.onOpen(id);
  };
  return (
    <Grid
      aria-label="Records"
      aria-rowcount={total === undefined ? -1 : total + 1}
      aria-multiselectable={selected ? true : undefined}
      aria-busy={busy}
      aria-activedescendant={isActiveDrawn && activeId !== undefined ? toRowId(activeId) : undefined}
      data-records-grid=""
      onKeyDown={handlers.onKeyDown}
      onClick={onClick}
      ref={rowWindow.ref}
      onScroll={rowWindow.onScroll}
      // The focused element is the scroll container, so that keys can scroll it.
      className={`group relative min-h-0 flex-1 overflow-auto overscroll-contain outline-none [overflow-anchor:none] ${isActiveDrawn ? "" : "focus-visible:shadow-[inset_0_0_0_2px_var(--focus)]"}`}
    >
      <div role="presentation" className={WIDTH} style={{ minWidth: `calc(var(--fixed) + ${columns.length * DATA_CELL_PX}px)` }}>
        <Head names={names} sort={sort} hasCheckbox={selected !== undefined} onSort={handlers.onSort} />
        <div role="presentation" className="relative" style={{ height: rows.length * ROW_PX }}>
          {drawn.map((row, offset) => (
            <RecordRow
              key={row.id}
              row={row}
              columns={columns}
              place={rowWindow.from + offset}
              active={row.id === activeId}
              open={row.id === openId}
              selected={selected?.has(row.id)}
              showTimes={showTimes}
            />
          ))}
        </div>
      </div>
    </Grid>
  );
}

/** The sort key of a data column, distinct from the keys of the time columns. */
export function toSortColumn(name: string): string {
  return `data:${name}`;
}

/** The element id of a row. */
export function toRowId(id: string): string {
  return `record-${id}`;
}

const MARKS = {
  changed: { glyph: "~", word: "changed", colour: "text-update" },
  deleted: { glyph: "−", word: "deleted", colour: "text-delete" },
};

interface RowProps {
  row: Row;
  columns: readonly ColumnPath[];
  place: number;
  active: boolean;
  open: boolean;
  /** Undefined: it cannot be selected. */
  selected: boolean | undefined;
  showTimes: boolean;
}

const RecordRow = memo(function RecordRow({ row, columns, place, active, open, selected, showTimes }: RowProps) {
  const mark = row.mark && MARKS[row.mark];
  return (
    <GridRow
      id={toRowId(row.id)}
      data-record={row.id}
      aria-rowindex={place + 2}
      aria-selected={selected}
      style={{ transform: `translateY(${place * ROW_PX}px)` }}
      className={classNames(
        "absolute inset-x-0 top-0 flex h-7 font-mono text-data leading-7",
        open || selected ? "bg-selected" : "hover:bg-hover",
        open && "shadow-[inset_2px_0_0_var(--focus)]",
        active && "group-focus-visible:outline-2 group-focus-visible:-outline-offset-2 group-focus-visible:outline-focus",
        row.mark === "deleted" && "text-muted line-through",
      )}
    >
      {selected === undefined ? null : (
        <GridCell data-checkbox="" className={PLACES.checkbox}>
          <Checkbox checked={selected} />
        </GridCell>
      )}
      <GridCell className={PLACES.id} title={row.id}>
        {mark ? (
          <>
            <span className={`mr-1 inline-block no-underline ${mark.colour}`} aria-hidden="true">
              {mark.glyph}
            </span>
            <span className="sr-only">{mark.word} </span>
          </>
        ) : null}
        …{row.id.slice(-8)}
      </GridCell>
      <DataCells row={row} columns={columns} />
      <GridCell className={PLACES.time}>{showTimes ? formatTime(row.createdAt) : ""}</GridCell>
      <GridCell className={PLACES.time}>{showTimes ? formatTime(row.updatedAt) : ""}</GridCell>
    </GridRow>
  );
});

/** The data cells of a row. A record without a value in any column is shown as a whole, so that no row looks empty. */
function DataCells({ row, columns }: Pick<RowProps, "row" | "columns">) {
  const texts = columns.map((path) => toCellText(row, path));
  if (texts.every((text) => text === "") && columns.length > 0) {
    return (
      <GridCell
        aria-colspan={columns.length}
        style={{ flex: `${columns.length} 0 ${columns.length * DATA_CELL_PX}px` }}
        className={`${CELL} text-muted`}
      >
        {toCellText(row, WHOLE)}
      </GridCell>
    );
  }
  return columns.map((path, index) => (
    <GridCell key={toColumnName(path)} className={PLACES.data}>
      {texts[index]}
    </GridCell>
  ));
}

/** A decorative checkbox. The row has `aria-selected`, and Space toggles it. */
function Checkbox({ checked }: { checked: boolean }) {
  return (
    <span
      aria-hidden="true"
      className={classNames(
        "grid size-3.5 place-items-center rounded-xs border",
        checked ? "border-text bg-text text-bg" : "border-control bg-surface",
      )}
    >
      {checked ? (
        <svg viewBox="0 0 10 10" className="size-2.5" fill="none" aria-hidden="true">
          <path d="M2 5.2 4.2 7.4 8 3" stroke="currentColor" strokeWidth="1.6" />
        </svg>
      ) : null}
    </span>
  );
}

function Head({
  names,
  sort,
  hasCheckbox,
  onSort,
}: {
  names: readonly string[];
  sort: ShownSort;
  hasCheckbox: boolean;
  onSort: (column: string) => void;
}) {
  const columns = [...names.map((name) => ({ name: toSortColumn(name), label: name, place: `${PLACES.data} font-mono` })), ...TIMES];
  return (
    <GridRow aria-rowindex={1} className="sticky top-0 z-[1] flex h-7 border-b border-line bg-bg text-data leading-7 text-muted">
      {hasCheckbox ? (
        <GridHeadCell className={PLACES.checkbox}>
          <span className="sr-only">Selected</span>
        </GridHeadCell>
      ) : null}
      <GridHeadCell className={PLACES.id}>Record</GridHeadCell>
      {columns.map(({ name, label, place }) => (
        <GridHeadCell
          key={name}
          aria-sort={sort.column === name ? (sort.descending ? "descending" : "ascending") : undefined}
          title={label}
          onClick={() => onSort(name)}
          className={classNames(place, "hover:text-text", sort.column === name && "text-text")}
        >
          {label}
          {sort.column === name ? <span aria-hidden="true">{sort.descending ? " ↓" : " ↑"}</span> : null}
        </GridHeadCell>
      ))}
    </GridRow>
  );
}

const TIMES = [
  { name: "created", label: "Created", place: PLACES.time },
  { name: "updated", label: "Updated", place: PLACES.time },
];
