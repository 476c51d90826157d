/** Records as rows: the data stays JSON text, which is parsed when it is displayed. Pure. */

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
  /** The effect of a change from the stream on the record since it was loaded. */
  mark?: "changed" | "deleted";
}

export interface GridPage {
  rows: readonly GridRow[];
  /** The cursor of the next page; null if this is the last page. */
  next: string | null;
  /** The position of the log at which the page was read. A stream from there has all later changes. */
  since: string;
  /** Whose view it is. Undefined: the owner's. */
  viewedAs?: ViewedAs | undefined;
}

export interface ViewedAs {
  /** Undefined: nobody is signed in. */
  name: string | undefined;
  /** Why the endpoint refuses all requests of the viewer. Undefined: it does not. */
  refused: string | undefined;
}

/** Selects and orders records. */
export interface GridQuery {
  search: string;
  filters: readonly string[];
  order: RecordOrder;
  /** The uniqueId of the user whose view it is, or `anonymous`. Undefined: the owner's view. */
  viewAs?: string | undefined;
}

export const ORDER_DEFAULT: RecordOrder = RECORD_ORDERS[0];

/** The query as URL parameters of the API, without defaults. */
export function toParameters({ search, filters, order, viewAs }: GridQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (search.trim() !== "") parameters.set("search", search.trim());
  for (const filter of filters) parameters.append("filter", filter);
  if (order !== ORDER_DEFAULT) parameters.set("order", order);
  if (viewAs !== undefined) parameters.set("viewAs", viewAs);
  return parameters;
}

/** Parses a response of `endpoints/{id}/records`. Throws if it has an unknown form. */
export function parseGridPage(text: string): GridPage {
  const parsed = parseJson(text);
  const records = parsed.ok ? getMember(parsed.node, "records") : undefined;
  if (!parsed.ok || records?.kind !== "array") throw new Error("The response has an unknown form.");
  const next = getMember(parsed.node, "next");
  return {
    rows: records.items.map((record) => toRow(text, record)),
    next: next?.kind === "string" ? next.value : null,
    since: getText(parsed.node, "since"),
    viewedAs: toViewedAs(getMember(parsed.node, "viewedAs")),
  };
}

function toViewedAs(node: JsonNode | undefined): ViewedAs | undefined {
  if (!node) return undefined;
  const user = getMember(node, "user");
  return { name: user?.kind === "object" ? getText(user, "name") : undefined, refused: getText(node, "refused") || undefined };
}

/** Parses a response of `endpoints/{id}/records/{uniqueId}`. Throws if it has an unknown form. */
export function parseGridRecord(text: string): GridRow {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error("The response has an unknown form.");
  return toRow(text, parsed.node);
}

function toRow(text: string, record: JsonNode): GridRow {
  const data = getMember(record, "data");
  const owner = getMember(record, "owner");
  const version = getMember(record, "version");
  if (!data) throw new Error("The response has an unknown form.");
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

/** Longer data is not parsed for a list, which shows the start of the text instead. */
const PARSED_LENGTH_MAX = 64 * 1024;

const nodes = new WeakMap<GridRow, JsonNode | null>();

/** The row's data as a tree; undefined if it is too long to be parsed for a list. Parsed once. */
export function toNode(row: GridRow): JsonNode | undefined {
  let node = nodes.get(row);
  if (node === undefined) {
    node = row.data.length > PARSED_LENGTH_MAX ? null : parseStored(row.data);
    nodes.set(row, node);
  }
  return node ?? undefined;
}
