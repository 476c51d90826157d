/** Changes of cells that are not saved yet. Pure. */
import type { GridRow } from "../../api/record-rows";
import { type JsonNode, parseJson, parseStored } from "../../json/json-tree";
import { type ColumnPath, getAt } from "../grid/grid-columns";
import { toDataKey } from "../grid/grid-layout";

export interface StagedCell {
  path: ColumnPath;
  /** JSON text. Undefined: the field is removed. */
  text: string | undefined;
  /** The same as a tree. */
  node: JsonNode | undefined;
}
/** By the key of the column. */
export type StagedCells = ReadonlyMap<string, StagedCell>;

export interface StagedProblem {
  code: string;
  detail: string;
}

export interface StagedRecord {
  /** The record as it was when it was first changed. Its version is the condition for saving. */
  row: GridRow;
  cells: StagedCells;
  /** Why the last attempt to save it failed. */
  problem?: StagedProblem | undefined;
  /** After a conflict: the record as it is now. Null: it was deleted. */
  theirs?: GridRow | null | undefined;
}
/** By the id of the record. */
export type StagedRecords = ReadonlyMap<string, StagedRecord>;

export const NOTHING_STAGED: StagedRecords = new Map();

/** `text`: JSON text; undefined removes the field. A change back to the stored value is dropped. */
export function stage(staged: StagedRecords, row: GridRow, path: ColumnPath, text: string | undefined): StagedRecords {
  const key = toDataKey(path);
  const before = staged.get(row.id);
  const base = before?.row ?? row;
  const cells = new Map(before?.cells);
  const stored = getAt(base, path);
  const isBack = stored ? text === base.data.slice(stored.start, stored.end) : text === undefined;
  if (isBack) cells.delete(key);
  else cells.set(key, { path, text, node: text === undefined ? undefined : parseStored(text) });
  const next = new Map(staged);
  if (cells.size === 0) next.delete(row.id);
  else next.set(row.id, { row: base, cells });
  return next;
}

/** The number of changed cells. */
export function countCells(staged: StagedRecords): number {
  return [...staged.values()].reduce((sum, { cells }) => sum + cells.size, 0);
}

export type ParsedCell = { ok: true; text: string | undefined } | { ok: false; problem: string };

/**
 * The JSON text of what was typed into a cell. A number, `true`, `false`, `null`, an object or an array is that value; anything else is a text. Quotes
 * make a text of anything: `"20"`. Nothing removes the field.
 */
export function parseCell(typed: string): ParsedCell {
  const trimmed = typed.trim();
  if (trimmed === "") return { ok: true, text: undefined };
  const parsed = parseJson(trimmed);
  if (parsed.ok) return { ok: true, text: trimmed };
  if (/^["{[]/.test(trimmed)) {
    const { message, column } = parsed.problem;
    return { ok: false, problem: `Column ${column}: ${message}` };
  }
  return { ok: true, text: JSON.stringify(typed) };
}

/** The first text in the editor of a cell, for which parseCell returns the same value. */
export function toTyped(row: GridRow, path: ColumnPath, staged: StagedCell | undefined): string {
  const node = staged ? staged.node : getAt(row, path);
  if (!node) return "";
  const text = staged?.text ?? row.data.slice(node.start, node.end);
  if (node.kind !== "string") return text;
  const plain = parseCell(node.value);
  return plain.ok &&
    plain.text !== undefined &&
    parseStored(plain.text).kind === "string" &&
    !/[\n\r"]/.test(node.value) &&
    node.value.trim() === node.value
    ? node.value
    : JSON.stringify(node.value);
}

/** The type of the typed value, in a word, for the editor. */
export function toTypeWord(typed: string): string {
  const parsed = parseCell(typed);
  if (!parsed.ok) return "";
  if (parsed.text === undefined) return "removes the field";
  const { kind } = parseStored(parsed.text);
  return kind === "string" ? "text" : kind;
}

/** The longest value that is edited in a cell. */
const EDITABLE_LENGTH_MAX = 4000;

/** Why a cell can't be edited in the grid. Undefined: it can. */
export function findEditProblem(row: GridRow, path: ColumnPath): string | undefined {
  if (row.mark === "deleted") return "This record was deleted.";
  if (row.contentType === "file") return "Fields of a file can’t be edited here.";
  if (row.contentType === "text") return "This record is a text. Open it to edit it.";
  const node = getAt(row, path);
  if (!node && row.data.length > EDITABLE_LENGTH_MAX && path.length === 0) return "This record is long. Open it to edit it.";
  return node && node.end - node.start > EDITABLE_LENGTH_MAX ? "This value is long. Open the record to edit it." : undefined;
}

/** The field of a column in the management API: keys that are not plain are quoted. */
export function toFieldText(path: ColumnPath): string {
  if (path.length === 0) return "$";
  return path
    .map((key, index) => (/^[A-Za-z_][\w-]*$/.test(key) ? `${index === 0 ? "" : "."}${key}` : `[${JSON.stringify(key)}]`))
    .join("");
}

/** The body of POST records/edit, as text, so that digits stay as typed. */
export function toEditBody(records: readonly StagedRecord[]): string {
  const each = records.map(({ row, cells }) => {
    const changes = [...cells.values()].map(({ path, text }) => {
      const field = JSON.stringify(toFieldText(path));
      return text === undefined ? `{"field":${field},"remove":true}` : `{"field":${field},"value":${text}}`;
    });
    return `{"uniqueId":"${row.id}","version":${row.version},"changes":[${changes.join(",")}]}`;
  });
  return `{"records":[${each.join(",")}]}`;
}

/** The staged records as text, to be kept while the page is left. */
export function toKeptText(staged: StagedRecords): string {
  return JSON.stringify(
    [...staged.values()].map(({ row, cells }) => ({ row, cells: [...cells.values()].map(({ path, text }) => ({ path, text })) })),
  );
}

/** The staged records that were kept. Nothing if the text is not one of {@link toKeptText}. */
export function parseKept(text: unknown): StagedRecords {
  try {
    const value: unknown = typeof text === "string" ? JSON.parse(text) : [];
    if (!Array.isArray(value)) return NOTHING_STAGED;
    return value.reduce<StagedRecords>(
      (staged, { row, cells }) =>
        cells.reduce((next: StagedRecords, cell: { path: string[]; text?: string }) => stage(next, row, cell.path, cell.text), staged),
      NOTHING_STAGED,
    );
  } catch {
    return NOTHING_STAGED;
  }
}
