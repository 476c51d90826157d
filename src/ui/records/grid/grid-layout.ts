/** Which columns the grid shows, in which order and how wide. Pure. */
import type { ColumnPath } from "./grid-columns";
import { toColumnName } from "./grid-columns";

export const WIDTH_PX = { min: 48, max: 800 } as const;
export const DATA_PX = 120;
const COLUMNS_MAX = 60;

export type TimeColumn = "created" | "updated";

export interface DataColumn {
  path: ColumnPath;
  /** Pixels. Absent: at least DATA_PX, and a share of the room that is left. */
  width?: number | undefined;
}

export interface Layout {
  columns: readonly DataColumn[];
  /** The times that are not shown. */
  hidden: readonly TimeColumn[];
}

/** A column with its place, for keys and heads. */
export interface ShownColumn {
  /** Unique: `id`, `created`, `updated`, or `data:` and the name of the path. */
  key: string;
  label: string;
  path?: ColumnPath;
  width?: number | undefined;
}

const TIMES: readonly { key: TimeColumn; label: string }[] = [
  { key: "created", label: "Created" },
  { key: "updated", label: "Updated" },
];

/** All columns from left to right: the id, the data, the times. */
export function toShownColumns({ columns, hidden }: Layout): ShownColumn[] {
  return [
    { key: "id", label: "Record" },
    ...columns.map(({ path, width }) => ({ key: toDataKey(path), label: toColumnName(path), path, width })),
    ...TIMES.filter(({ key }) => !hidden.includes(key)),
  ];
}

/** The key of a data column, distinct from the keys of the others. */
export function toDataKey(path: ColumnPath): string {
  return `data:${toColumnName(path)}`;
}

/** The layout with another width of a column. */
export function resize(layout: Layout, key: string, width: number): Layout {
  const px = Math.round(Math.min(Math.max(width, WIDTH_PX.min), WIDTH_PX.max));
  return { ...layout, columns: layout.columns.map((each) => (toDataKey(each.path) === key ? { ...each, width: px } : each)) };
}

/** The layout with a column moved by so many places. The same layout if it cannot move. */
export function move(layout: Layout, key: string, by: number): Layout {
  const from = layout.columns.findIndex(({ path }) => toDataKey(path) === key);
  const column = layout.columns[from];
  const to = from + by;
  if (!column || to < 0 || to >= layout.columns.length) return layout;
  return { ...layout, columns: layout.columns.toSpliced(from, 1).toSpliced(to, 0, column) };
}

/** The stored layout, if the text is one; also the form of earlier versions, a list of paths. */
export function parseLayout(text: string | undefined): Layout | undefined {
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    if (Array.isArray(value)) return value.every(isPath) ? { columns: value.map((path) => ({ path })), hidden: [] } : undefined;
    if (typeof value !== "object" || value === null || !("columns" in value) || !Array.isArray(value.columns)) return undefined;
    const sent: readonly unknown[] = "hidden" in value && Array.isArray(value.hidden) ? value.hidden : [];
    const hidden = TIMES.map(({ key }) => key).filter((key) => sent.includes(key));
    const columns = value.columns.flatMap(toColumn).slice(0, COLUMNS_MAX);
    return columns.length === value.columns.length ? { columns, hidden } : undefined;
  } catch {
    return undefined;
  }
}

function toColumn(value: unknown): DataColumn[] {
  if (typeof value !== "object" || value === null || !("path" in value) || !isPath(value.path)) return [];
  const width =
    "width" in value && typeof value.width === "number" && value.width >= WIDTH_PX.min && value.width <= WIDTH_PX.max
      ? value.width
      : undefined;
  return [width === undefined ? { path: value.path } : { path: value.path, width }];
}

function isPath(value: unknown): value is ColumnPath {
  return Array.isArray(value) && value.every((key) => typeof key === "string");
}
