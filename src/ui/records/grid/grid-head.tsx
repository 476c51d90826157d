/** The head of the grid: sorts on a click or Enter, and changes the width of columns by the mouse or by Shift and the arrow keys. */
"use client";

import type { PointerEvent } from "react";
import { classNames } from "../../components/class-names";
import { GridHeadCell, GridRow } from "../../grid/grid-parts";
import { DATA_PX, type ShownColumn } from "./grid-layout";
import { PLACES, toDataStyle } from "./grid-places";

export interface ShownSort {
  /** The key of a column. */
  column: string;
  descending: boolean;
}

interface Props {
  columns: readonly ShownColumn[];
  sort: ShownSort;
  hasCheckbox: boolean;
  /** The column of the active cell, if it is in the head. */
  active: number | undefined;
  onSort: (column: string) => void;
  onResize: (column: string, widthPx: number) => void;
}

/** The element id of a cell of the head. */
export function toHeadId(column: number): string {
  return `records-head-${column}`;
}

export function GridHead({ columns, sort, hasCheckbox, active, onSort, onResize }: Props) {
  return (
    <GridRow aria-rowindex={1} className="sticky top-0 z-[2] flex h-7 border-b border-line bg-bg text-data leading-7 text-muted">
      {hasCheckbox ? (
        <GridHeadCell className={PLACES.checkbox}>
          <span className="sr-only">Selected</span>
        </GridHeadCell>
      ) : null}
      {columns.map((column, index) => {
        const { key, label, path } = column;
        const isSorted = sort.column === key;
        return (
          <GridHeadCell
            key={key}
            id={toHeadId(index)}
            data-column={index}
            aria-sort={isSorted ? (sort.descending ? "descending" : "ascending") : undefined}
            title={
              path
                ? `${label}. Enter sorts the loaded rows, Shift+← → changes the width, Ctrl+← → moves it`
                : key === "id"
                  ? label
                  : `${label}. Enter sorts`
            }
            onClick={key === "id" ? undefined : () => onSort(key)}
            style={path ? toDataStyle(column) : undefined}
            className={classNames(
              path ? PLACES.data : PLACES[key === "id" ? "id" : key === "created" ? "created" : "updated"],
              path && "font-mono",
              "relative bg-bg",
              key !== "id" && "cursor-default hover:text-text",
              isSorted && "text-text",
              active === index && "group-focus-visible:outline-2 group-focus-visible:-outline-offset-2 group-focus-visible:outline-focus",
            )}
          >
            {label}
            {isSorted ? <span aria-hidden="true">{sort.descending ? " ↓" : " ↑"}</span> : null}
            {path ? <Handle onResize={(px) => onResize(key, px)} /> : null}
          </GridHeadCell>
        );
      })}
    </GridRow>
  );
}

/** The right edge of a head, to drag. Keys change the width too, so it is hidden from assistive technology. */
function Handle({ onResize }: { onResize: (widthPx: number) => void }) {
  const drag = (start: PointerEvent<HTMLElement>) => {
    const handle = start.currentTarget;
    const startPx = handle.parentElement?.getBoundingClientRect().width ?? DATA_PX;
    const startX = start.clientX;
    handle.setPointerCapture(start.pointerId);
    const onMove = (event: globalThis.PointerEvent) => onResize(startPx + event.clientX - startX);
    const onEnd = () => {
      handle.removeEventListener("pointermove", onMove);
      handle.removeEventListener("pointerup", onEnd);
      handle.removeEventListener("pointercancel", onEnd);
    };
    handle.addEventListener("pointermove", onMove);
    handle.addEventListener("pointerup", onEnd);
    handle.addEventListener("pointercancel", onEnd);
  };
  return (
    <span
      aria-hidden="true"
      onPointerDown={drag}
      // A drag ends with a click, which would sort.
      onClick={(event) => event.stopPropagation()}
      className="absolute inset-y-1 right-0 w-1.5 cursor-col-resize touch-none border-r border-line hover:border-control pointer-coarse:hidden"
    />
  );
}
