/** The columns of the grid and the texts of their cells. Pure. */

import { type GridRow, toNode } from "../../api/record-rows";
import { joinPath, toCompactText } from "../../json/json-print";
import { getMember, type JsonNode } from "../../json/json-tree";

/** Keys from the outside in. An empty path is the whole data. */
export type ColumnPath = readonly string[];

export const WHOLE: ColumnPath = [];
const FILE_COLUMNS: readonly ColumnPath[] = [
  ["file", "name"],
  ["file", "type"],
  ["file", "size"],
];

const COLUMNS_DEFAULT = 5;
const CANDIDATES_MAX = 60;
/** The number of rows from which columns are chosen. */
const ROWS_SAMPLED = 200;
const CELL_LENGTH_MAX = 200;

/** The unique name of a column. */
export function toColumnName(path: ColumnPath): string {
  return path.length === 0 ? "data" : path.reduce((joined, key) => joinPath(joined, key), "");
}

/**
 * The most common keys, most common first. If half of the records are files: their name, type and size first. Without keys: the whole data.
 */
export function chooseColumns(rows: readonly GridRow[]): readonly ColumnPath[] {
  const all = rows.slice(0, ROWS_SAMPLED);
  const sample = all.filter(({ contentType }) => contentType !== "file");
  const files = all.length > 0 && sample.length * 2 <= all.length ? FILE_COLUMNS : sample.length < all.length ? [["file"]] : [];
  const counts = new Map<string, number>();
  for (const row of sample) {
    const node = toNode(row);
    if (node?.kind === "object")
      for (const key of new Set(node.entries.map((entry) => entry.key))) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (files.length > 0) counts.delete("file");
  const keys = [...counts].sort(([, one], [, other]) => other - one).slice(0, COLUMNS_DEFAULT - files.length);
  const columns = [...files, ...keys.map(([key]) => [key])];
  return columns.length === 0 ? [WHOLE] : columns;
}

/** The paths that can be columns: keys and the keys within them, in the order of the data. */
export function findCandidates(rows: readonly GridRow[]): readonly ColumnPath[] {
  const found = new Map<string, ColumnPath>([["data", WHOLE]]);
  const add = (path: ColumnPath) => {
    if (found.size < CANDIDATES_MAX) found.set(`.${toColumnName(path)}`, path);
  };
  for (const row of rows.slice(0, ROWS_SAMPLED)) {
    const node = toNode(row);
    if (node?.kind !== "object") continue;
    for (const { key, value } of node.entries) {
      add([key]);
      if (value.kind === "object") for (const inner of value.entries) add([key, inner.key]);
    }
  }
  return [...found.values()];
}

/** The value at a column's path. */
export function getAt(row: GridRow, path: ColumnPath): JsonNode | undefined {
  return path.reduce<JsonNode | undefined>((node, key) => getMember(node, key), toNode(row));
}

export interface LoadedSort {
  path: ColumnPath;
  descending: boolean;
}

const collator = new Intl.Collator("en", { numeric: true });
const RANKS: Readonly<Record<JsonNode["kind"], number>> = { null: 0, boolean: 1, number: 2, string: 3, array: 4, object: 5 };

/** Sorts the loaded rows by a column: by type, then by value. Rows without a value are last in both directions. The sort is stable. */
export function sortLoaded(rows: readonly GridRow[], { path, descending }: LoadedSort): GridRow[] {
  const keyed = rows.map((row) => ({ row, node: getAt(row, path) }));
  const sign = descending ? -1 : 1;
  return keyed
    .sort((one, other) => {
      if (!one.node || !other.node) return Number(one.node === undefined) - Number(other.node === undefined);
      return sign * compare(one.node, other.node);
    })
    .map(({ row }) => row);
}

function compare(one: JsonNode, other: JsonNode): number {
  if (one.kind === "number" && other.kind === "number") return Number(one.text) - Number(other.text);
  if (one.kind === "string" && other.kind === "string") return collator.compare(one.value, other.value);
  if (one.kind !== other.kind) return RANKS[one.kind] - RANKS[other.kind];
  return collator.compare(toCompactText(one, CELL_LENGTH_MAX), toCompactText(other, CELL_LENGTH_MAX));
}
