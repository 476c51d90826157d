/**
 * Converts records to CSV cells and back (G14), with a column for each path of the data. Digits are kept as stored.
 *
 * A string is always quoted, so that 42 and "42" stay distinct. Numbers, true, false and null are bare. A list is written as JSON. A string that a
 * spreadsheet would take for a formula (=, +, -, @, tab …), or that looks like a list, gets a leading apostrophe, which the reader removes.
 * A string that UTF-8 cannot represent (half of a surrogate pair) is written as its JSON, quotes included.
 */
import { readMembers, writeMembers } from "@/src/core/json/members";
import { isJsonObject, parseJsonText } from "@/src/core/json/text";

/** Columns that are not part of the data. */
export const META_COLUMNS = ["uniqueId", "createdAt", "updatedAt"] as const;
/** The column of data that is not an object, and of objects that columns cannot carry. */
export const WHOLE_COLUMN = "data";
/** The last column, present if records differ in their key order: a list of the record's column names in its own order. */
export const KEY_ORDER_COLUMN = "keyOrder";

/** A cell: a string (quoted), or JSON (bare). Undefined: an empty cell. */
export type Cell = string | { json: string } | undefined;

const GUARDED = /^'*[=+\-@\t\r\n[{\uFF1D\uFF0B\uFF0D\uFF20]/;
const UNGUARDED = /^'+[=+\-@\t\r\n[{\uFF1D\uFF0B\uFF0D\uFF20]/;
/** Half of a surrogate pair. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Deeper objects are written as JSON in one cell, which bounds the recursion. */
const COLUMN_DEPTH_MAX = 20;

/**
 * Returns the cells of a record's data by column, in key order; objects are split into columns. If a key is repeated, returns the whole data as one cell,
 * because columns would lose a value. Stops after `cellsMax` + 1 cells.
 */
export function toCells(data: string, cellsMax: number): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  return collect(data, WHOLE_COLUMN, 0, cells, cellsMax) ? cells : new Map([[WHOLE_COLUMN, { json: data }]]);
}

/** Returns false if a key is repeated. */
function collect(text: string, column: string, depth: number, cells: Map<string, Cell>, cellsMax: number): boolean {
  const members = isJsonObject(text) && depth < COLUMN_DEPTH_MAX ? readMembers(text) : [];
  if (members.length === 0) {
    cells.set(column, toCell(text));
    return true;
  }
  if (members.length > 1 && new Set(members.map(({ key }) => key)).size < members.length) return false;
  for (const { key, valueText } of members) {
    if (cells.size > cellsMax) return true;
    const name = IDENTIFIER.test(key) ? `${column}.${key}` : `${column}[${JSON.stringify(key)}]`;
    if (!collect(valueText, name, depth + 1, cells, cellsMax)) return false;
  }
  return true;
}

function toCell(text: string): Cell {
  if (!text.startsWith('"')) return { json: text };
  const value = String(JSON.parse(text));
  return LONE_SURROGATE.test(value) ? { json: text } : toTextCell(value);
}

/** Escapes a string so that no spreadsheet reads a formula and the importer does not read JSON. */
function toTextCell(text: string): string {
  return GUARDED.test(text) || isLoneText(text.replace(/^'+/, "")) ? `'${text}` : text;
}

/** True for the JSON of a string that UTF-8 cannot represent. No other quoted text is read as JSON, because foreign files may mean the quotes literally. */
function isLoneText(cell: string): boolean {
  if (!cell.startsWith('"') || !/\\ud/i.test(cell)) return false;
  const value = parseText(cell);
  return value !== undefined && LONE_SURROGATE.test(value);
}

function parseText(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A row of a CSV file (RFC 4180). */
export function writeCsvRow(cells: readonly Cell[], delimiter: string): string {
  return `${cells.map(writeCell).join(delimiter)}\r\n`;
}

function writeCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell === "string") return quote(cell);
  // JSON can contain line breaks and tabs as white space.
  return /[",;\s]/.test(cell.json) ? quote(cell.json) : cell.json;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

const BARE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** Returns the JSON text of a cell, or undefined if it is empty. `quoted` is true if the cell was in quotes. */
export function fromCell(cell: string, quoted: boolean): string | undefined {
  if (cell === "" && !quoted) return undefined;
  const first = cell[0];
  if (first === "[" || first === "{") return parseJsonCell(cell) ?? JSON.stringify(cell);
  if (!quoted && BARE.test(cell)) return cell;
  if (first === '"' && isLoneText(cell)) return cell;
  const isGuarded = first === "'" && (UNGUARDED.test(cell) || isLoneText(cell.replace(/^'+/, "")));
  return JSON.stringify(isGuarded ? cell.slice(1) : cell);
}

function parseJsonCell(cell: string): string | undefined {
  try {
    return parseJsonText(cell);
  } catch {
    return undefined;
  }
}

/** The path of a column in the data. Undefined: the column is not part of the data. Empty: the cell is the whole data. */
type ColumnPath = readonly string[] | undefined;

/** Converts table rows to data. */
export interface TableColumns {
  names: readonly string[];
  paths: readonly ColumnPath[];
  /** The header was written by an export. */
  isOurs: boolean;
}

/**
 * Reads the header row. A header from an export has `data.` before the paths. In any other header all columns are data: `a.b` is b within a, and a name
 * that is not a path is used as a key.
 */
export function toTableColumns(names: readonly string[]): TableColumns {
  const isOurs = names.includes(META_COLUMNS[0]) && names.every((name) => OUR_COLUMNS.has(name) || /^data(?:[.[]|$)/.test(name));
  const paths = names.map((name) => {
    const path = parsePath(name) ?? [name];
    if (!isOurs) return path;
    return path[0] === WHOLE_COLUMN ? path.slice(1) : undefined;
  });
  return { names, paths, isOurs };
}

const OUR_COLUMNS: ReadonlySet<string> = new Set([...META_COLUMNS, KEY_ORDER_COLUMN]);

const STEP = /(?:^|\.)([A-Za-z_$][\w$]*)|\[("(?:[^"\\]|\\.)*")\]/y;

function parsePath(name: string): string[] | undefined {
  const path: string[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < name.length) {
    const [, plain, quoted] = STEP.exec(name) ?? [];
    const step = plain ?? (quoted === undefined ? undefined : parseText(quoted));
    if (step === undefined) return undefined;
    path.push(step);
  }
  return path.length === 0 ? undefined : path;
}

/** A Map, because an object would mishandle the key `__proto__`. */
type Tree = Map<string, string | Tree>;

/** Returns the JSON text of a row's data, or undefined if two columns contradict each other. `values` holds one value per column, undefined for empty cells. */
export function toRowData({ names, paths, isOurs }: TableColumns, values: readonly (string | undefined)[]): string | undefined {
  const whole = values.find((value, index) => value !== undefined && paths[index]?.length === 0);
  if (whole !== undefined) return whole;
  const tree: Tree = new Map();
  const keyOrder = isOurs ? values[names.indexOf(KEY_ORDER_COLUMN)] : undefined;
  const inOrder = keyOrder === undefined ? undefined : toOrder(keyOrder, names);
  for (const index of inOrder ?? names.keys()) {
    const [path, value] = [paths[index], values[index]];
    if (path === undefined || value === undefined) continue;
    if (!put(tree, path, value)) return undefined;
  }
  return writeTree(tree);
}

/** Returns the indices of all columns, those named by `keyOrder` first. Unknown names are ignored, because a spreadsheet may have changed the cell. */
function toOrder(keyOrder: string, names: readonly string[]): Iterable<number> {
  const order: unknown = JSON.parse(keyOrder);
  if (!Array.isArray(order)) return names.keys();
  const places = new Map<unknown, number>(names.map((name, index) => [name, index]));
  const named = order.flatMap((name: unknown) => places.get(name) ?? []);
  return new Set([...named, ...names.keys()]);
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
