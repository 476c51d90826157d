/** Editing cells of the grid: which cell is edited, its editor, and the staged changes. */
"use client";

import { type MouseEvent, type ReactNode, useRef, useState } from "react";
import type { GridRow } from "../../api/record-rows";
import { notify } from "../../notifications/notify";
import type { ShownColumn } from "../grid/grid-layout";
import { readCell } from "../grid/record-grid";
import type { Selection } from "../grid/use-selection";
import { CellEditor } from "./cell-editor";
import { findEditProblem, toTyped } from "./staged";
import type { StagedEdits } from "./use-staged-edits";

interface Options {
  rows: readonly GridRow[];
  columns: readonly ShownColumn[];
  selection: Selection;
  edits: StagedEdits;
  /** Opens a record whose cells are not edited in the grid. */
  onOpen: (id: string) => void;
  /** Called before a double click edits, to close what its first click has opened. */
  onDoubleClick: () => void;
  /** Returns the focus to the grid. */
  onLeave: () => void;
}

export interface CellEdits {
  edit: (id: string, column: number) => void;
  editor: { id: string; column: number; element: ReactNode } | undefined;
  /**
   * For the element around the grid and the panel: a double click edits the cell of its first click, although the panel which that click opens moves or
   * covers the cell.
   */
  mouse: { onClickCapture: (event: MouseEvent) => void; onDoubleClick: () => void };
}

export function useCellEdits({ rows, columns, selection, edits, onOpen, onDoubleClick, onLeave }: Options): CellEdits {
  const [editing, setEditing] = useState<{ id: string; column: number }>();
  const edit = (id: string, column: number) => {
    const row = rows.find((each) => each.id === id);
    const path = columns[column]?.path;
    if (!row || !path) return onOpen(id);
    const problem = findEditProblem(row, path);
    if (problem) return notify(problem);
    selection.setActive(id, column);
    setEditing({ id, column });
  };
  const firstClick = useRef<{ id: string; column: number }>(undefined);
  const mouse = {
    onClickCapture: (event: MouseEvent) => {
      if (event.detail > 1) return;
      const cell = readCell(event);
      firstClick.current = cell?.target.closest("[data-checkbox],[data-link],[data-reference]") ? undefined : cell;
    },
    onDoubleClick: () => {
      if (!firstClick.current || columns[firstClick.current.column]?.path === undefined) return;
      onDoubleClick();
      edit(firstClick.current.id, firstClick.current.column);
    },
  };
  const stop = () => {
    setEditing(undefined);
    onLeave();
  };
  const row = rows.find((each) => each.id === editing?.id);
  const column = columns[editing?.column ?? -1];
  const path = column?.path;
  if (!editing || !row || !path) return { edit, editor: undefined, mouse };
  const element = (
    <CellEditor
      label={column.label}
      initial={toTyped(row, path, edits.staged.get(row.id)?.cells.get(column.key))}
      onCancel={stop}
      onDone={(text, by) => {
        edits.put(row, path, text);
        stop();
        selection.step(by.rows, by.columns);
      }}
    />
  );
  return { edit, editor: { ...editing, element }, mouse };
}
