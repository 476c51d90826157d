/**
 * Draws the visible rows into a pool of reused elements, in the order of the list. Without React, because at thousands of changes per second
 * every row is replaced in every frame.
 */

import { ROW_PX } from "../../grid/row-window";
import type { EventKind } from "../../stream/stream-event";
import { COLUMNS, ROW, ROW_FREE, ROW_SELECTED, toCellClass, toCellText, toRowId, toRowTone } from "./row-style";
import type { RowView } from "./row-view";

interface PooledRow {
  element: HTMLElement;
  cells: readonly { element: HTMLElement; text: Text }[];
  ordinal: number;
  preview: string;
  kind: EventKind | undefined;
  selected: boolean | undefined;
  topPx: number;
  rowIndex: number;
}

export interface Drawing {
  rows: readonly RowView[];
  /** The index of the first row, and of the first row of the list. */
  from: number;
  first: number;
  selected: number | undefined;
  /** The height of the content above the first row of the list. */
  headPx: number;
}

export class RowPool {
  readonly #box: HTMLElement;
  #drawn: PooledRow[] = [];
  #from = 0;

  /** Takes over `box`, which should be empty. `onPress` is called with the ordinal of a clicked change. */
  constructor(box: HTMLElement, onPress: (ordinal: number) => void) {
    this.#box = box;
    box.addEventListener("click", ({ target }) => {
      const ordinal = this.#ordinalAt(target);
      if (ordinal !== undefined) onPress(ordinal);
    });
  }

  draw({ rows, from, first, selected, headPx }: Drawing): void {
    this.#rotate(from - this.#from);
    this.#from = from;
    while (this.#drawn.length > rows.length) this.#drawn.pop()?.element.remove();
    while (this.#drawn.length < rows.length) {
      const added = createRow();
      this.#drawn.push(added);
      this.#box.append(added.element);
    }
    for (const [offset, row] of rows.entries()) {
      const pooled = this.#drawn[offset];
      if (pooled) write(pooled, row, { place: from + offset - first, headPx, selected: row.ordinal === selected });
    }
  }

  /** Marks are not clickable. */
  #ordinalAt(target: EventTarget | null): number | undefined {
    if (!(target instanceof Node)) return undefined;
    const hit = this.#drawn.find(({ element }) => element.contains(target));
    return hit === undefined || hit.kind === "resumed" || hit.kind === "gap" ? undefined : hit.ordinal;
  }

  /** Moves elements from one end to the other, so that elements whose row stays visible do not change. */
  #rotate(by: number): void {
    const count = this.#drawn.length;
    if (by === 0 || Math.abs(by) >= count) return;
    const moved = by > 0 ? this.#drawn.splice(0, by) : this.#drawn.splice(count + by);
    const elements = moved.map(({ element }) => element);
    if (by > 0) this.#box.append(...elements);
    else this.#box.prepend(...elements);
    this.#drawn = by > 0 ? [...this.#drawn, ...moved] : [...moved, ...this.#drawn];
  }
}

function createRow(): PooledRow {
  const element = document.createElement("div");
  element.setAttribute("role", "row");
  const cells = COLUMNS.map(() => {
    const cell = document.createElement("span");
    cell.setAttribute("role", "gridcell");
    const text = document.createTextNode("");
    cell.append(text);
    element.append(cell);
    return { element: cell, text };
  });
  return { element, cells, ordinal: Number.NaN, preview: "", kind: undefined, selected: undefined, topPx: -1, rowIndex: -1 };
}

/** Writes only what differs, because each write costs style or layout. */
function write(pooled: PooledRow, row: RowView, { place, headPx, selected }: { place: number; headPx: number; selected: boolean }): void {
  const { element, cells } = pooled;
  const topPx = headPx + place * ROW_PX;
  if (pooled.topPx !== topPx) element.style.transform = `translateY(${topPx}px)`;
  // The header is the first row of the grid.
  const rowIndex = place + 2;
  if (pooled.rowIndex !== rowIndex) element.setAttribute("aria-rowindex", String(rowIndex));
  const isOtherKind = pooled.kind !== row.kind;
  if (isOtherKind || pooled.selected !== selected) {
    element.className = `absolute top-0 ${ROW} ${toRowTone(row.kind)} ${selected ? ROW_SELECTED : ROW_FREE}`;
    element.setAttribute("aria-selected", String(selected));
  }
  if (pooled.ordinal !== row.ordinal || pooled.selected !== selected) {
    if (selected) element.id = toRowId(row.ordinal);
    else element.removeAttribute("id");
  }
  if (pooled.ordinal !== row.ordinal || pooled.preview !== row.preview || isOtherKind) {
    for (const [at, column] of COLUMNS.entries()) {
      const cell = cells[at];
      if (!cell) continue;
      if (isOtherKind) cell.element.className = toCellClass(column, row.kind);
      const text = toCellText(column, row, true);
      if (cell.text.data !== text) cell.text.data = text;
    }
  }
  pooled.topPx = topPx;
  pooled.rowIndex = rowIndex;
  pooled.kind = row.kind;
  pooled.selected = selected;
  pooled.ordinal = row.ordinal;
  pooled.preview = row.preview;
}
