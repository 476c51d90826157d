/** A record as the grid holds it: data stays the text that it is, and is read when it is looked at. Pure. */

import { RECORD_ORDERS, type RecordOrder } from "@/src/shared/record-limits";
import type { RecordKind } from "@/src/shared/streams/protocol";
import { getMember, type JsonNode, parseJson, parseStored } from "../json/json-tree";

export interface GridRow {
  id: string;
  /** JSON text as stored. */
  data: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt: string;
  version: number;
  contentType: RecordKind;
  owner: string | null;
  /** What a change that was heard of did to it since it was loaded. */
  mark?: "changed" | "deleted";
}

export interface GridPage {
  rows: readonly GridRow[];
  /** Where the next page begins; null: nowhere. */
  next: string | null;
  /** Where the log stood: a stream from there brings what the page lacks. */
  since: string;
}

/** Which records are shown, and in which order. */
export interface GridQuery {
  search: string;
  filters: readonly string[];
  order: RecordOrder;
}

export const ORDER_DEFAULT: RecordOrder = RECORD_ORDERS[0];

/** The query's parameters for the API; defaults are left out. */
export function toParameters({ search, filters, order }: GridQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (search.trim() !== "") parameters.set("search", search.trim());
  for (const filter of filters) parameters.append("filter", filter);
  if (order !== ORDER_DEFAULT) parameters.set("order", order);
  return parameters;
}

/** Reads an answer of `endpoints/{id}/records`. Raises for one that has another form. */
export function parseGridPage(text: string): GridPage {
  const parsed = parseJson(text);
  const records = parsed.ok ? getMember(parsed.node, "records") : undefined;
  if (!parsed.ok || records?.kind !== "array") throw new Error("The answer has an unknown form.");
  const next = getMember(parsed.node, "next");
  return {
    rows: records.items.map((record) => toRow(text, record)),
    next: next?.kind === "string" ? next.value : null,
    since: getText(parsed.node, "since"),
  };
}

/** Reads an answer of `endpoints/{id}/records/{uniqueId}`. Raises for one that has another form. */
export function parseGridRecord(text: string): GridRow {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error("The answer has an unknown form.");
  return toRow(text, parsed.node);
}

function toRow(text: string, record: JsonNode): GridRow {
  const data = getMember(record, "data");
  const owner = getMember(record, "owner");
  const version = getMember(record, "version");
  if (!data) throw new Error("The answer has an unknown form.");
  return {
    id: getText(record, "uniqueId"),
    data: text.slice(data.start, data.end),
    createdAt: getText(record, "createdAt"),
    updatedAt: getText(record, "updatedAt"),
    version: version?.kind === "number" ? Number(version.text) : 0,
    contentType: toKind(getText(record, "contentType")),
    owner: owner?.kind === "string" ? owner.value : null,
  };
}

function toKind(text: string): RecordKind {
  return text === "text" || text === "file" ? text : "json";
}

function getText(node: JsonNode, key: string): string {
  const member = getMember(node, key);
  return member?.kind === "string" ? member.value : "";
}

/** Longer data is not read for a cell: its beginning is shown as it is. */
const READ_LENGTH_MAX = 64 * 1024;

const nodes = new WeakMap<GridRow, JsonNode | null>();

/** The row's data as a tree; undefined when it is too long to be read for a list. Read once. */
export function toNode(row: GridRow): JsonNode | undefined {
  let node = nodes.get(row);
  if (node === undefined) {
    node = row.data.length > READ_LENGTH_MAX ? null : parseStored(row.data);
    nodes.set(row, node);
  }
  return node ?? undefined;
}
