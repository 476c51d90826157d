/**
 * How records stand in CSV (G14): a column for each path of the data, and how a cell is read back. Digits stay as stored. It must not split lines.
 *
 * A text is always in quotes, so that 42 and "42" stay apart; a number, true, false and null are bare; a list is its JSON. What a spreadsheet
 * would take for a formula (=, +, -, @, tab …), and a text that looks like a list, gets an apostrophe in front, which reading takes off again.
 * A text that UTF-8 cannot carry (half of a surrogate pair) is its JSON, quotes included.
 */
import { readMembers, writeMembers } from "@/src/core/json/members";
import { isJsonObject, parseJsonText } from "@/src/core/json/text";

/** What is not the data's. */
export const META_COLUMNS = ["uniqueId", "createdAt", "updatedAt"] as const;
/** The column of data that is not an object, and of objects that columns cannot carry. */
export const WHOLE_COLUMN = "data";
/** Behind all others, where records differ in the order of their keys: the names of the record's columns, as a list, in its own order. */
export const KEY_ORDER_COLUMN = "keyOrder";

/** A cell: a text, which is quoted, or JSON, which is bare. Undefined: empty. */
export type Cell = string | { json: string } | undefined;

const GUARDED = /^'*[=+\-@\t\r\n[{\uFF1D\uFF0B\uFF0D\uFF20]/;
const UNGUARDED = /^'+[=+\-@\t\r\n[{\uFF1D\uFF0B\uFF0D\uFF20]/;
/** Half of a surrogate pair. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Deeper objects stay JSON in one cell: no table has such columns, and the recursion is bounded. */
const COLUMN_DEPTH_MAX = 20;

/**
 * The cells of a record's data, by column, in the order of its keys; objects are taken apart. One cell, the whole, when a key is repeated: columns
 * would keep one of its values. Ends with one cell more than `cellsMax`.
 */
export function toCells(data: string, cellsMax: number): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  return collect(data, WHOLE_COLUMN, 0, cells, cellsMax) ? cells : new Map([[WHOLE_COLUMN, { json: data }]]);
}

/** False: a key is repeated. */
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

/** A text that no spreadsheet takes for a formula, and no reader for JSON. */
function toTextCell(text: string): string {
  return GUARDED.test(text) || isLoneText(text.replace(/^'+/, "")) ? `'${text}` : text;
}

/** True for the JSON of a text that UTF-8 cannot carry. Nothing else in quotes is taken for JSON: files of others may mean the quotes. */
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
  // JSON may have line breaks and tabs as white space.
  return /[",;\s]/.test(cell.json) ? quote(cell.json) : cell.json;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

const BARE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** The JSON text that a cell means; undefined: nothing. `quoted`: it stood in quotes. */
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

/** Where a column's cells belong. Undefined: nowhere, it is not the data's. Empty: the cell is the whole of the data. */
type ColumnPath = readonly string[] | undefined;

/** How the rows of a table become data. */
export interface TableColumns {
  names: readonly string[];
  paths: readonly ColumnPath[];
  /** An export wrote the header. */
  isOurs: boolean;
}

/**
 * Reads the first row. A header that an export wrote has `data.` before the paths; any other is all data: `a.b` is b within a, and a name that is
 * not a path is a key as it stands.
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

/** A Map, because an object would trip over `__proto__`. */
type Tree = Map<string, string | Tree>;

/** The JSON text of a row's data: `values` by column, undefined where the cell is empty. Undefined: two columns contradict each other. */
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

/** All columns' indices: first those that `keyOrder` names. A spreadsheet may have changed it: what is not a column's name is left out. */
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
