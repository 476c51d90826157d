/** The content of a cell of the grid: the type of its value, and a text. Pure. */

import { type GridRow, toNode } from "../../api/record-rows";
import { toCompactText } from "../../json/json-print";
import { getMember, type JsonNode } from "../../json/json-tree";
import { type ColumnPath, getAt } from "./grid-columns";

/**
 * `quoted`: a string that could be taken for another value, such as `"20"` or `""`. `date`: an ISO 8601 time. `id`: the form of a uniqueId. `start`:
 * the beginning of data that is too long to be parsed for a list.
 */
export type CellKind =
  | "missing"
  | "null"
  | "boolean"
  | "number"
  | "string"
  | "quoted"
  | "date"
  | "link"
  | "id"
  | "object"
  | "array"
  | "start";

export interface CellContent {
  kind: CellKind;
  /** Without quotes for strings. */
  text: string;
  /** The id of a record that the value names: the value itself, or the `uniqueId` in it. */
  reference?: string;
}

const CELL_LENGTH_MAX = 200;
const LOOKS_LIKE_OTHER = /^(?:true|false|null|-?\d[\d.,_]*(?:[eE][+-]?\d+)?|[{[].*|".*"|)$|^\s|\s$/s;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/;
const LINK = /^https?:\/\/[^\s]+$/i;
const ID = /^[0-9a-f]{32}$/;

const MISSING: CellContent = { kind: "missing", text: "" };

export function toCellContent(row: GridRow, path: ColumnPath): CellContent {
  const node = getAt(row, path);
  if (node) return toContent(node);
  // The record is too long for a list, or it has no such field.
  return path.length === 0 || !toNode(row) ? toStart(row, path) : MISSING;
}

function toStart(row: GridRow, path: ColumnPath): CellContent {
  return path.length === 0 ? { kind: "start", text: `${oneLine(row.data.slice(0, CELL_LENGTH_MAX))}…` } : MISSING;
}

/** The content for a value. */
export function toContent(node: JsonNode): CellContent {
  switch (node.kind) {
    case "object": {
      const id = getMember(node, "uniqueId");
      const content: CellContent = { kind: node.kind, text: toPreview(node) };
      return id?.kind === "string" && ID.test(id.value) ? { ...content, reference: id.value } : content;
    }
    case "array":
      return { kind: node.kind, text: toPreview(node) };
    case "string": {
      const kind = toStringKind(node.value);
      return kind === "id" ? { kind, text: node.value, reference: node.value } : { kind, text: clip(node.value) };
    }
    default:
      return { kind: node.kind, text: node.text };
  }
}

function toStringKind(value: string): CellKind {
  if (value.length < 40) {
    if (ID.test(value)) return "id";
    if (LOOKS_LIKE_OTHER.test(value)) return "quoted";
    if (DATE.test(value) && !Number.isNaN(Date.parse(value))) return "date";
  }
  return value.length <= 2000 && LINK.test(value) ? "link" : "string";
}

/** `{room: "kitchen", t: 20}` and `[3] "a", "b", "c"`, cut. */
function toPreview(node: JsonNode): string {
  if (node.kind === "array") {
    const items = toCompactText(node, CELL_LENGTH_MAX).slice(1);
    return node.items.length === 0 ? "[]" : `[${node.items.length}] ${items.endsWith("]") ? items.slice(0, -1) : items}`;
  }
  return toCompactText(node, CELL_LENGTH_MAX).replace(/([{,] ?)"([A-Za-z_$][\w$]*)": /g, "$1$2: ");
}

function clip(text: string): string {
  return oneLine(text.length > CELL_LENGTH_MAX ? `${text.slice(0, CELL_LENGTH_MAX)}…` : text);
}

function oneLine(text: string): string {
  return text.replace(/[\n\r\t]+/g, " ");
}
