/**
 * The elements of a grid whose rows are positioned absolutely, which table elements can't be. Only the grid has a tab stop; it refers to its
 * active row by `aria-activedescendant`.
 */
import type { ComponentProps } from "react";

const ROW = { role: "row" } as const;
const CELL = { role: "gridcell" } as const;
const HEAD_CELL = { role: "columnheader" } as const;

export function GridRow(props: ComponentProps<"div">) {
  return <div {...ROW} {...props} />;
}

export function GridCell(props: ComponentProps<"span">) {
  return <span {...CELL} {...props} />;
}

export function GridHeadCell(props: ComponentProps<"span">) {
  return <span {...HEAD_CELL} {...props} />;
}

const GRID = { role: "grid", tabIndex: 0 } as const;

export function Grid(props: ComponentProps<"div">) {
  return <div {...GRID} {...props} />;
}
