/** The keys of the grid: opening, editing, sorting, deleting, and those of its selection. */
"use client";

import type { KeyboardEvent } from "react";
import type { GridRow } from "../api/record-rows";
import { toCellContent } from "./grid/cell-content";
import { toHeadId } from "./grid/grid-head";
import { DATA_PX, type Layout, move, resize, type ShownColumn } from "./grid/grid-layout";
import { HEAD, type Selection } from "./grid/use-selection";

const RESIZE_PX = 16;

interface Options {
  rows: readonly GridRow[];
  columns: readonly ShownColumn[];
  layout: Layout;
  selection: Selection;
  onLayout: (layout: Layout) => void;
  onOpen: (id: string) => void;
  onEdit: (id: string, column: number) => void;
  onDelete: (ids: readonly string[]) => void;
  onReference: (uniqueId: string) => void;
  onSort: (column: string) => void;
}

export function useGridKeys({ rows, columns, layout, selection, onLayout, ...act }: Options): (event: KeyboardEvent) => void {
  const { activeId, activeColumn, selected } = selection;
  const column = columns[activeColumn];

  const onHeadKey = (event: KeyboardEvent): boolean => {
    if (!column) return false;
    const sign = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if ((event.key === "Enter" || event.key === " ") && column.key !== "id") act.onSort(column.key);
    else if (sign !== undefined && event.shiftKey && column.path) {
      const px = column.width ?? document.getElementById(toHeadId(activeColumn))?.getBoundingClientRect().width ?? DATA_PX;
      onLayout(resize(layout, column.key, px + sign * RESIZE_PX));
    } else if (sign !== undefined && (event.ctrlKey || event.metaKey) && column.path) {
      const moved = move(layout, column.key, sign);
      if (moved === layout) return true;
      onLayout(moved);
      selection.setActive(HEAD, activeColumn + sign);
    } else return false;
    return true;
  };
  const onCellKey = (event: KeyboardEvent): boolean => {
    if (activeId === undefined) return false;
    const row = rows.find(({ id }) => id === activeId);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const content = row && column?.path ? toCellContent(row, column.path) : undefined;
      if (content?.reference) act.onReference(content.reference);
      else if (content?.kind === "link") window.open(content.text, "_blank", "noreferrer");
      else act.onOpen(activeId);
    } else if (event.key === "F2" || (event.key === "Enter" && column?.path)) act.onEdit(activeId, activeColumn);
    else if (event.key === "Enter") act.onOpen(activeId);
    else if (event.key === "Delete") act.onDelete(selected.size > 0 ? [...selected] : [activeId]);
    else return false;
    return true;
  };
  return (event) => {
    if (event.altKey) return;
    if ((activeId === HEAD ? onHeadKey(event) : onCellKey(event)) || selection.onKey(event)) event.preventDefault();
  };
}
