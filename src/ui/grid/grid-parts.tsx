/**
 * Rows and cells of a grid whose rows are placed by position, which the elements of a table can't be. The grid alone has the focus; it names
 * its active row, so rows and cells have no tab stop of their own.
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
