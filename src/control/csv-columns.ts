/**
 * How records stand in CSV (G14): a column for each path of the data, and how a cell is read back. Digits stay as stored. It must not split lines.
 *
 * A text is always in quotes, so that 42 and "42" stay apart; a number, true, false and null are bare; a list is its JSON. What a spreadsheet
 * would take for a formula (=, +, -, @, tab …), and a text that looks like a list, gets an apostrophe in front, which reading takes off again.
 */
import { readMembers, writeMembers } from "@/src/core/json-members";
import { isJsonObject, parseJsonText } from "@/src/core/json-text";

/** What is not the data's. */
export const META_COLUMNS = ["uniqueId", "createdAt", "updatedAt"] as const;
/** The column of data that is no object, and of objects that have a path without a column. */
export const WHOLE_COLUMN = "data";

/** A cell: a text, which is quoted, or JSON, which is bare. Undefined: empty. */
export type Cell = string | { json: string } | undefined;

const GUARDED = /^'*[=+\-@\t\r[{\uFF1D\uFF0B\uFF0D\uFF20]/;
const UNGUARDED = /^'+[=+\-@\t\r[{\uFF1D\uFF0B\uFF0D\uFF20]/;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Deeper objects stay JSON in one cell: no table has such columns, and the recursion is bounded. */
const COLUMN_DEPTH_MAX = 20;

/** The cells of a record's data, by column; objects are taken apart. Of repeated keys the last counts. Ends with one cell more than `cellsMax`. */
export function toCells(data: string, cellsMax: number): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  collect(data, WHOLE_COLUMN, 0, cells, cellsMax);
  return cells;
}

function collect(text: string, column: string, depth: number, cells: Map<string, Cell>, cellsMax: number): void {
  const members = isJsonObject(text) && depth < COLUMN_DEPTH_MAX ? readMembers(text) : [];
  if (members.length === 0) {
    cells.set(column, toCell(text));
    return;
  }
  for (const { key, valueText } of members) {
    if (cells.size > cellsMax) return;
    collect(valueText, IDENTIFIER.test(key) ? `${column}.${key}` : `${column}[${JSON.stringify(key)}]`, depth + 1, cells, cellsMax);
  }
}

function toCell(text: string): Cell {
  return text.startsWith('"') ? toTextCell(String(JSON.parse(text))) : { json: text };
}

/** A text that no spreadsheet takes for a formula. */
export function toTextCell(text: string): string {
  return GUARDED.test(text) ? `'${text}` : text;
}

const BARE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** The JSON text that a cell means; undefined: nothing. `quoted`: it stood in quotes. */
export function fromCell(cell: string, quoted: boolean): string | undefined {
  if (cell === "" && !quoted) return undefined;
  const first = cell[0];
  if (first === "[" || first === "{") return parseJsonCell(cell) ?? JSON.stringify(cell);
  if (!quoted && BARE.test(cell)) return cell;
  return JSON.stringify(UNGUARDED.test(cell) ? cell.slice(1) : cell);
}

function parseJsonCell(cell: string): string | undefined {
  try {
    return parseJsonText(cell);
  } catch {
    return undefined;
  }
}

/** Where a column's cells belong. Undefined: nowhere, it is not the data's. Empty: the cell is the whole of the data. */
export type ColumnPath = readonly string[] | undefined;

/**
 * The paths of a table's columns. A header that an export wrote has `data.` before them; any other is all data: `a.b` is b within a, and a
 * name that is no path is a key as it stands.
 */
export function toColumnPaths(header: readonly string[]): ColumnPath[] {
  const isOurs =
    header[0] === META_COLUMNS[0] && header.every((name) => META_COLUMNS.some((meta) => meta === name) || /^data(?:[.[]|$)/.test(name));
  return header.map((name) => {
    if (!isOurs) return parsePath(name) ?? [name];
    const path = parsePath(name) ?? [name];
    return path[0] === WHOLE_COLUMN ? path.slice(1) : undefined;
  });
}

const STEP = /(?:^|\.)([A-Za-z_$][\w$]*)|\[("(?:[^"\\]|\\.)*")\]/y;

function parsePath(name: string): string[] | undefined {
  const path: string[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < name.length) {
    const [, plain, quoted] = STEP.exec(name) ?? [];
    const step = plain ?? parseKey(quoted);
    if (step === undefined) return undefined;
    path.push(step);
  }
  return path.length === 0 ? undefined : path;
}

function parseKey(quoted: string | undefined): string | undefined {
  try {
    return quoted === undefined ? undefined : String(JSON.parse(quoted));
  } catch {
    return undefined;
  }
}

/** A Map, because an object would trip over `__proto__`. */
type Tree = Map<string, string | Tree>;

/** The JSON text of a row's data: `values` by column, undefined where the cell is empty. Undefined: two columns contradict each other. */
export function toRowData(paths: readonly ColumnPath[], values: readonly (string | undefined)[]): string | undefined {
  const tree: Tree = new Map();
  for (const [index, path] of paths.entries()) {
    const value = values[index];
    if (path === undefined || value === undefined) continue;
    if (path.length === 0) return value;
    if (!put(tree, path, value)) return undefined;
  }
  return writeTree(tree);
}

function put(tree: Tree, path: readonly string[], value: string): boolean {
  let at = tree;
  for (const step of path.slice(0, -1)) {
    const next = at.get(step) ?? new Map();
    if (typeof next === "string") return false;
    at.set(step, next);
    at = next;
  }
  const key = path.at(-1) ?? "";
  if (at.has(key)) return false;
  at.set(key, value);
  return true;
}

function writeTree(tree: Tree): string {
  const members = [...tree].map(([key, value]) => ({
    text: `${JSON.stringify(key)}:${typeof value === "string" ? value : writeTree(value)}`,
  }));
  return writeMembers(members);
}
