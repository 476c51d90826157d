/**
 * The grid of records. Only visible rows are rendered. It has one tab stop and refers to its active cell by `aria-activedescendant`. A click on a row
 * opens it.
 */
"use client";

import { type KeyboardEvent, type MouseEvent, type ReactNode, useSyncExternalStore } from "react";
import type { GridRow as Row } from "../../api/record-rows";
import { Grid } from "../../grid/grid-parts";
import { ROW_PX } from "../../grid/row-window";
import type { StagedRecords } from "../edits/staged";
import { GridHead, type ShownSort, toHeadId } from "./grid-head";
import type { ShownColumn } from "./grid-layout";
import { toMinWidth } from "./grid-places";
import { RecordRow, toCellId } from "./record-row";
import type { RowWindow } from "./use-row-window";
import { HEAD } from "./use-selection";

export const GRID_HEAD_PX = 28;

interface Props {
  endpointId: string;
  rows: readonly Row[];
  columns: readonly ShownColumn[];
  rowWindow: RowWindow;
  /** The number of all rows, if it is known. */
  total: number | undefined;
  activeId: string | undefined;
  activeColumn: number;
  openId: string | undefined;
  /** Undefined: rows cannot be selected. */
  selected: ReadonlySet<string> | undefined;
  staged: StagedRecords;
  sort: ShownSort;
  busy: boolean;
  /** The editor of a cell. */
  editor: { id: string; column: number; element: ReactNode } | undefined;
  onActive: (id: string, column: number) => void;
  onOpen: (id: string) => void;
  onToggle: (id: string) => void;
  /** Opens a record by an id in a cell. */
  onReference: (uniqueId: string) => void;
  onSort: (column: string) => void;
  onResize: (column: string, widthPx: number) => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

const never = () => () => undefined;

export function RecordGrid(props: Props) {
  const { rows, columns, rowWindow, total, activeId, activeColumn, openId, selected, staged, sort, busy, editor, ...handlers } = props;
  // Times are local, and the server does not know the time zone.
  const showTimes = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const drawn = rows.slice(rowWindow.from, rowWindow.to);
  const isActiveDrawn = activeId === HEAD || drawn.some(({ id }) => id === activeId);
  const onClick = (event: MouseEvent) => {
    const cell = readCell(event);
    if (!cell) return;
    const { target, id, column } = cell;
    handlers.onActive(id, column);
    const reference = target.closest<HTMLElement>("[data-reference]")?.dataset.reference;
    if (target.closest("[data-checkbox]")) handlers.onToggle(id);
    else if (target.closest("[data-link]")) return;
    else if (reference !== undefined) handlers.onReference(reference);
    // While cells are edited, a click only moves to a cell. The second click of a double click edits.
    else if (event.detail < 2 && (column === 0 || staged.size === 0)) handlers.onOpen(id);
  };
  const { wide, narrow } = toMinWidth(columns);
  const active = activeId === HEAD ? toHeadId(activeColumn) : activeId === undefined ? undefined : toCellId(activeId, activeColumn);
  return (
    <Grid
      aria-label="Records"
      aria-rowcount={total === undefined ? -1 : total + 1}
      aria-multiselectable={selected ? true : undefined}
      aria-busy={busy}
      aria-activedescendant={isActiveDrawn ? active : undefined}
      data-records-grid=""
      onKeyDown={handlers.onKeyDown}
      onClick={onClick}
      ref={rowWindow.ref}
      onScroll={rowWindow.onScroll}
      // The focused element is the scroll container, so that keys can scroll it.
      className={`group @container relative min-h-0 flex-1 overflow-auto overscroll-contain outline-none [overflow-anchor:none] ${isActiveDrawn ? "" : "focus-visible:shadow-[inset_0_0_0_2px_var(--focus)]"}`}
    >
      <div
        role="presentation"
        data-updated={columns.some(({ key }) => key === "updated") ? "" : undefined}
        className="relative w-full min-w-(--narrow) sm:min-w-(--wide)"
        style={{ "--wide": `${wide}px`, "--narrow": `${narrow}px` } as object}
      >
        <GridHead
          columns={columns}
          sort={sort}
          hasCheckbox={selected !== undefined}
          active={activeId === HEAD ? activeColumn : undefined}
          onSort={handlers.onSort}
          onResize={handlers.onResize}
        />
        <div role="presentation" className="relative" style={{ height: rows.length * ROW_PX }}>
          {drawn.map((row, offset) => (
            <RecordRow
              key={row.id}
              endpointId={handlers.endpointId}
              row={row}
              columns={columns}
              place={rowWindow.from + offset}
              activeColumn={row.id === activeId ? activeColumn : undefined}
              open={row.id === openId}
              selected={selected?.has(row.id)}
              showTimes={showTimes}
              staged={staged.get(row.id)?.cells}
              failed={staged.get(row.id)?.problem !== undefined}
              editor={editor?.id === row.id ? editor : undefined}
            />
          ))}
        </div>
      </div>
    </Grid>
  );
}

/** The cell of a click, unless it is in an editor. */
export function readCell({ target }: Pick<MouseEvent, "target">): { target: Element; id: string; column: number } | undefined {
  if (!(target instanceof Element) || target.closest("[data-cell-editor]")) return undefined;
  const id = target.closest<HTMLElement>("[data-record]")?.dataset.record;
  const column = Number(target.closest<HTMLElement>("[data-column]")?.dataset.column ?? 0);
  return id === undefined ? undefined : { target, id, column };
}
