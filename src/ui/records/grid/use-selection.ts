/** The selected rows and the active row of the grid, with keyboard control. */
"use client";

import { type KeyboardEvent, useMemo, useState } from "react";
import type { GridRow } from "../../api/record-rows";

export interface Selection {
  activeId: string | undefined;
  setActive: (id: string | undefined) => void;
  selected: ReadonlySet<string>;
  toggle: (id: string) => void;
  selectAll: () => void;
  clear: () => void;
  /** Returns true if it handled the key. */
  onKey: (event: KeyboardEvent) => boolean;
}

export function useSelection({
  rows,
  canSelect,
  pageRows,
  onMove,
}: {
  rows: readonly GridRow[];
  /** False: rows can be active, but not selected. */
  canSelect: boolean;
  /** The number of rows that Page Down moves by. */
  pageRows: () => number;
  /** Called when a key changes the active row. */
  onMove: (id: string, index: number) => void;
}): Selection {
  const [activeId, setActive] = useState<string>();
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const places = useMemo(() => new Map(rows.map(({ id }, index) => [id, index])), [rows]);
  // Rows that are no longer loaded are not selected, so that actions never affect hidden records.
  const selected = useMemo(() => {
    if (!canSelect) return new Set<string>();
    const left = [...marked].filter((id) => places.has(id));
    return left.length === marked.size ? marked : new Set(left);
  }, [marked, places, canSelect]);

  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setMarked(next);
  };
  const selectAll = () => setMarked(new Set(rows.filter(({ mark }) => mark !== "deleted").map(({ id }) => id)));
  const clear = () => setMarked(new Set());

  const move = (to: number, extend: boolean) => {
    const index = Math.min(Math.max(to, 0), rows.length - 1);
    const row = rows[index];
    if (!row) return;
    if (extend && canSelect) setMarked(new Set([...selected, ...(activeId === undefined ? [] : [activeId]), row.id]));
    setActive(row.id);
    onMove(row.id, index);
  };
  const onKey = (event: KeyboardEvent): boolean => {
    const at = activeId === undefined ? -1 : (places.get(activeId) ?? -1);
    const page = pageRows();
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[
      event.key
    ];
    if (to !== undefined) {
      move(to, event.shiftKey);
      return true;
    }
    if (!canSelect) return false;
    if (event.key === " " && activeId !== undefined) {
      toggle(activeId);
      return true;
    }
    if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) {
      selectAll();
      return true;
    }
    return false;
  };
  return { activeId, setActive, selected, toggle, selectAll, clear, onKey };
}
