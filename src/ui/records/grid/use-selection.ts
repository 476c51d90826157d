/** The selected rows and the active cell of the grid, with keyboard control (ARIA grid pattern). */
"use client";

import { type KeyboardEvent, useMemo, useState } from "react";
import type { GridRow } from "../../api/record-rows";

/** The row of the active cell that is the head. */
export const HEAD = "head";

export interface Selection {
  /** The id of a record, or HEAD. */
  activeId: string | undefined;
  /** The active column, from 0. */
  activeColumn: number;
  setActive: (id: string | undefined, column?: number) => void;
  selected: ReadonlySet<string>;
  toggle: (id: string) => void;
  selectAll: () => void;
  clear: () => void;
  /** Moves the active cell by so many rows and columns. Returns false at an edge. */
  step: (rows: number, columns: number) => boolean;
  /** Returns true if it handled the key. */
  onKey: (event: KeyboardEvent) => boolean;
}

export function useSelection({
  rows,
  canSelect,
  columns,
  pageRows,
  onMove,
}: {
  rows: readonly GridRow[];
  /** False: rows can be active, but not selected. */
  canSelect: boolean;
  /** The number of columns. */
  columns: number;
  /** The number of rows that Page Down moves by. */
  pageRows: () => number;
  /** Called when a key changes the active row. */
  onMove: (id: string, index: number) => void;
}): Selection {
  const [active, setActive] = useState<{ id: string | undefined; column: number }>({ id: undefined, column: 0 });
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const places = useMemo(() => new Map(rows.map(({ id }, index) => [id, index])), [rows]);
  // Rows that are no longer loaded are not selected, so that actions never affect hidden records.
  const selected = useMemo(() => {
    if (!canSelect) return new Set<string>();
    const left = [...marked].filter((id) => places.has(id));
    return left.length === marked.size ? marked : new Set(left);
  }, [marked, places, canSelect]);
  const column = Math.min(active.column, columns - 1);

  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setMarked(next);
  };
  const selectAll = () => setMarked(new Set(rows.filter(({ mark }) => mark !== "deleted").map(({ id }) => id)));
  const clear = () => setMarked(new Set());

  const goTo = (index: number, extend = false) => {
    if (index < 0) return setActive({ id: HEAD, column });
    const at = Math.min(index, rows.length - 1);
    const row = rows[at];
    if (!row) return;
    const previous = active.id === undefined || active.id === HEAD ? [] : [active.id];
    if (extend && canSelect) setMarked(new Set([...selected, ...previous, row.id]));
    setActive({ id: row.id, column });
    onMove(row.id, at);
  };
  const goToColumn = (next: number) => setActive({ id: active.id ?? rows[0]?.id, column: Math.min(Math.max(next, 0), columns - 1) });
  const step = (byRows: number, byColumns: number): boolean => {
    const at = active.id === undefined ? undefined : places.get(active.id);
    if (at === undefined) return false;
    if (byColumns !== 0) {
      if (column + byColumns < 0 || column + byColumns >= columns) return false;
      goToColumn(column + byColumns);
    }
    if (byRows !== 0) {
      if (at + byRows < 0 || at + byRows >= rows.length) return false;
      goTo(at + byRows);
    }
    return true;
  };
  const onKey = (event: KeyboardEvent): boolean => {
    const { key } = event;
    const withCtrl = event.ctrlKey || event.metaKey;
    // From the head, the first row is one below.
    const at = active.id === undefined || active.id === HEAD ? -1 : (places.get(active.id) ?? -1);
    const page = pageRows();
    if (active.id === HEAD && event.shiftKey) return false;
    if (key === "ArrowUp" && at <= 0) {
      if (!event.shiftKey) goTo(active.id === undefined ? 0 : -1);
      return true;
    }
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: Math.max(0, at - page),
      ...(withCtrl ? { Home: 0, End: rows.length - 1 } : {}),
    }[key];
    if (to !== undefined) goTo(to, event.shiftKey);
    else if (canSelect && withCtrl && key.toLowerCase() === "a") selectAll();
    else if (withCtrl || event.shiftKey) return false;
    else if (key === "ArrowLeft" || key === "ArrowRight") goToColumn(column + (key === "ArrowLeft" ? -1 : 1));
    else if (key === "Home" || key === "End") goToColumn(key === "Home" ? 0 : columns - 1);
    else if (canSelect && key === " " && at >= 0 && active.id !== undefined) toggle(active.id);
    else return false;
    return true;
  };
  return {
    activeId: active.id,
    activeColumn: column,
    setActive: (id, next = column) => setActive({ id, column: next }),
    selected,
    toggle,
    selectAll,
    clear,
    step,
    onKey,
  };
}
