/**
 * Draws the visible rows into a pool of reused elements, in the order of the list. Without React, because at thousands of changes per second
 * every row is replaced in every frame. One transform moves all of them.
 */

import { ROW_PX } from "../../grid/row-window";
import type { EventKind } from "../../stream/stream-event";
import {
  type Column,
  LIST_START_PX,
  type PreviewPiece,
  ROW,
  ROW_DIMMED,
  ROW_FREE,
  ROW_SELECTED,
  toCellClass,
  toCellText,
  toPieces,
  toRowId,
  toRowTone,
} from "./row-style";
import type { RowView } from "./row-view";

interface PooledRow {
  element: HTMLElement;
  cells: readonly { column: Column; element: HTMLElement; text: Text }[];
  preview: PooledPreview;
  row: RowView | undefined;
  kind: EventKind | undefined;
  selected: boolean | undefined;
  rowIndex: number;
}

/** The nodes of a preview: muted pieces are spans, values are text. */
interface PooledPreview {
  element: HTMLElement;
  pieces: { muted: boolean; node: ChildNode; text: Text }[];
}

export interface Drawing {
  rows: readonly RowView[];
  /** The index of the first row, and of the first row of the list. */
  from: number;
  first: number;
  selected: number | undefined;
}

export class RowPool {
  readonly #box: HTMLElement;
  readonly #columns: readonly Column[];
  #drawn: PooledRow[] = [];
  #from = 0;
  #topPx = -1;

  /** Takes over `box`, which should be empty. `onPress` is called with the ordinal of a clicked change. */
  constructor(box: HTMLElement, columns: readonly Column[], onPress: (ordinal: number) => void) {
    this.#box = box;
    this.#columns = columns;
    box.onclick = ({ target }) => {
      const ordinal = this.#ordinalAt(target);
      if (ordinal !== undefined) onPress(ordinal);
    };
  }

  /** Writes only what differs, because each write costs style or layout. */
  draw({ rows, from, first, selected }: Drawing): { isActiveDrawn: boolean } {
    this.#rotate(from - this.#from);
    this.#from = from;
    const topPx = LIST_START_PX + (from - first) * ROW_PX;
    if (this.#topPx !== topPx) this.#box.style.transform = `translateY(${topPx}px)`;
    this.#topPx = topPx;
    while (this.#drawn.length > rows.length) this.#drawn.pop()?.element.remove();
    while (this.#drawn.length < rows.length) {
      const added = createRow(this.#columns);
      this.#drawn.push(added);
      this.#box.append(added.element);
    }
    let isActiveDrawn = false;
    for (const [offset, row] of rows.entries()) {
      const pooled = this.#drawn[offset];
      const isSelected = row.ordinal === selected;
      isActiveDrawn ||= isSelected;
      // The head is the first row of the grid.
      if (pooled) write(pooled, row, from + offset - first + 2, isSelected);
    }
    return { isActiveDrawn };
  }

  /** Marks are not clickable. */
  #ordinalAt(target: EventTarget | null): number | undefined {
    if (!(target instanceof Node)) return undefined;
    const hit = this.#drawn.find(({ element }) => element.contains(target));
    return hit?.row === undefined || hit.kind === "resumed" || hit.kind === "gap" ? undefined : hit.row.ordinal;
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

function createRow(columns: readonly Column[]): PooledRow {
  const element = document.createElement("div");
  element.setAttribute("role", "row");
  const preview: PooledPreview = { element, pieces: [] };
  const cells: PooledRow["cells"][number][] = [];
  for (const column of columns) {
    const cell = document.createElement("span");
    cell.setAttribute("role", "gridcell");
    element.append(cell);
    const text = document.createTextNode("");
    if (column === "preview") preview.element = cell;
    else cell.append(text);
    cells.push({ column, element: cell, text });
  }
  return { element, cells, preview, row: undefined, kind: undefined, selected: undefined, rowIndex: -1 };
}

function write(pooled: PooledRow, row: RowView, rowIndex: number, selected: boolean): void {
  const { element } = pooled;
  if (pooled.rowIndex !== rowIndex) element.setAttribute("aria-rowindex", String(rowIndex));
  const isOtherKind = pooled.kind !== row.kind;
  const isOtherRow = pooled.row?.ordinal !== row.ordinal;
  if (isOtherKind || pooled.selected !== selected || pooled.row?.isDimmed !== row.isDimmed) {
    element.className = `${ROW} ${toRowTone(row.kind)} ${selected ? ROW_SELECTED : ROW_FREE} ${row.isDimmed ? ROW_DIMMED : ""}`;
    element.setAttribute("aria-selected", String(selected));
  }
  if (isOtherRow || pooled.selected !== selected) {
    if (selected) element.id = toRowId(row.ordinal);
    else if (pooled.selected) element.removeAttribute("id");
  }
  if (isOtherRow || isOtherKind || pooled.row?.preview !== row.preview || !areEqual(pooled.row.pins, row.pins))
    writeCells(pooled, row, isOtherKind);
  pooled.rowIndex = rowIndex;
  pooled.kind = row.kind;
  pooled.selected = selected;
  pooled.row = row;
}

function writeCells({ cells, preview }: PooledRow, row: RowView, isOtherKind: boolean): void {
  for (const { column, element, text } of cells) {
    if (isOtherKind) element.className = toCellClass(column, row.kind);
    if (column === "preview") {
      writePieces(preview, toPieces(row));
      continue;
    }
    const next = toCellText(column, row, true);
    if (text.data !== next) text.data = next;
  }
}

/** Reuses the nodes as long as the sequence of muted and other pieces is the same, which it is for records of one form. */
function writePieces(preview: PooledPreview, pieces: readonly PreviewPiece[]): void {
  for (const [at, { text, muted }] of pieces.entries()) {
    const held = preview.pieces[at];
    if (held?.muted === muted) {
      if (held.text.data !== text) held.text.data = text;
      continue;
    }
    const added = createPiece(muted, text);
    if (held) held.node.replaceWith(added.node);
    else preview.element.append(added.node);
    preview.pieces[at] = added;
  }
  while (preview.pieces.length > pieces.length) preview.pieces.pop()?.node.remove();
}

function createPiece(muted: boolean, content: string): PooledPreview["pieces"][number] {
  const text = document.createTextNode(content);
  if (!muted) return { muted, node: text, text };
  const node = document.createElement("span");
  node.className = "text-muted";
  node.append(text);
  return { muted, node, text };
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
