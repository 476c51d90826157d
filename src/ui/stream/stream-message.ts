/** Parses messages of the stream and pages of the log (W2, W9, W10) into events. Data stays JSON text. Pure. */
import { parseCursor } from "@/src/shared/streams/cursor";
import type { ChangeType } from "@/src/shared/streams/protocol";
import type { GapReason } from "@/src/shared/streams/stream-messages";
import { getMember, type JsonNode, parseJson } from "../json/json-tree";
import type { EventKind, StreamEvent } from "./stream-event";

export type StreamMessage =
  | { type: "ready" | "heartbeat"; cursor: string }
  | { type: "gap"; from: string; to: string; reason: GapReason; cursor: string }
  | { type: "changes"; events: readonly StreamEvent[]; cursor: string };

/** A page of the log. */
export interface LogPage {
  /** Newest first. */
  events: readonly StreamEvent[];
  /** There are further changes: older ones, or newer ones if the page begins after a place. */
  more: boolean;
  cursor: string;
  /** Of a search: the seqs of the last change that was looked through, and of the oldest one in the log. */
  searched?: { to: number; oldest: number };
  /** Of a project's changes without a place: the cursors of its endpoints. */
  endpoints?: readonly LoggedEndpoint[];
  /** Of a search in a project: the place up to which it looked, how many changes it looked through, and how many remain. */
  progress?: { to: string; count: number; remaining: number };
}

export interface LoggedEndpoint {
  id: string;
  name: string;
  cursor: string;
}

const KINDS: Record<ChangeType, EventKind> = { POST: "create", PUT: "update", DELETE: "delete" };
const TYPES: Partial<Record<EventKind, ChangeType>> = { create: "POST", update: "PUT", delete: "DELETE" };

// The form in which the server writes changes. The start and the end are matched, and the text between them is the data.
const OPENING = /^\{"type":"(POST|PUT|DELETE)","record":\{"uniqueId":"([0-9a-f]{32})","data":/;
const CLOSING = /,"createdAt":"([^"]{20,30})","updatedAt":"([^"]{20,30})"\},"cursor":"([^"]{1,80})"\}$/;
const CLOSING_LENGTH_MAX = 250;

/** The message; undefined if its type is unknown. `receivedMs` is the time of events that have none. */
export function parseStreamMessage(text: string, receivedMs: number): StreamMessage | undefined {
  return parsePlainChange(text, receivedMs) ?? parseAny(text, receivedMs);
}

function parsePlainChange(text: string, receivedMs: number): StreamMessage | undefined {
  const opening = OPENING.exec(text);
  if (!opening) return undefined;
  const closing = CLOSING.exec(text.slice(-CLOSING_LENGTH_MAX));
  if (!closing) return undefined;
  const [start, type = "", recordId = ""] = opening;
  const [end, createdAt = "", updatedAt = "", cursor = ""] = closing;
  const data = text.slice(start.length, text.length - end.length);
  const event = toEvent({ type, recordId, data, createdAt, updatedAt, seq: parseCursor(cursor)?.seq, receivedMs });
  return event && { type: "changes", events: [event], cursor };
}

function parseAny(text: string, receivedMs: number): StreamMessage | undefined {
  const parsed = parseJson(text);
  if (!parsed.ok) return undefined;
  const type = getText(parsed.node, "type");
  const cursor = getText(parsed.node, "cursor");
  switch (type) {
    case "READY":
    case "BEAT":
      return { type: type === "READY" ? "ready" : "heartbeat", cursor };
    case "GAP":
      return {
        type: "gap",
        from: getText(parsed.node, "from"),
        to: getText(parsed.node, "to"),
        reason: toGapReason(getText(parsed.node, "reason")),
        cursor,
      };
    case "POST":
    case "PUT":
    case "DELETE": {
      const record = getMember(parsed.node, "record");
      // An upload of several files is one message with several records (W2).
      const records = record?.kind === "array" ? record.items : record ? [record] : [];
      const seq = parseCursor(cursor)?.seq;
      const events = records.flatMap((each) => toRecordEvent({ text, record: each, type, seq, receivedMs }) ?? []);
      return { type: "changes", events, cursor };
    }
    default:
      return undefined;
  }
}

/** The type of a change in messages and in the log; undefined for marks. */
export function toChangeType(kind: EventKind): ChangeType | undefined {
  return TYPES[kind];
}

/** The message in which the stream sends a change (W2), with the data as stored; undefined for marks. */
export function toMessageText({ kind, recordId, data, createdMs, updatedMs }: StreamEvent): string | undefined {
  const type = TYPES[kind];
  if (!type) return undefined;
  const time = (ms: number) => new Date(ms).toISOString();
  return `{"type":"${type}","record":{"uniqueId":"${recordId}","data":${data},"createdAt":"${time(createdMs)}","updatedAt":"${time(updatedMs)}"}}`;
}

/**
 * Parses a response of `endpoints/{id}/changes` or `projects/{id}/changes`. Throws if it has an unknown form. `toSource`: the numbers of endpoints, of
 * which the response has lists first.
 */
export function parseLogPage(text: string, toSource?: (endpointId: string, name?: string) => number): LogPage {
  const parsed = parseJson(text);
  const changes = parsed.ok ? getMember(parsed.node, "changes") : undefined;
  if (!parsed.ok || changes?.kind !== "array") throw new Error("The response has an unknown form.");
  const more = getMember(parsed.node, "more");
  const listed = getMember(parsed.node, "endpoints");
  const endpoints =
    listed?.kind === "array"
      ? listed.items.map((item) => ({ id: getText(item, "id"), name: getText(item, "name"), cursor: getText(item, "cursor") }))
      : undefined;
  for (const { id, name } of endpoints ?? []) toSource?.(id, name);
  const events = changes.items.flatMap((change) => {
    const record = getMember(change, "record");
    if (!record) return [];
    const atMs = Date.parse(getText(change, "at"));
    const seq = Number(getNumber(change, "seq"));
    const version = Number(getNumber(change, "version"));
    const event = toRecordEvent({ text, record, type: getText(change, "type"), seq, receivedMs: Number.NaN, atMs, version });
    if (event && toSource) event.source = toSource(getText(change, "endpointId"));
    return event ?? [];
  });
  const searched = getMember(parsed.node, "searched");
  return {
    events,
    more: more?.kind === "boolean" && more.text === "true",
    cursor: getText(parsed.node, "cursor"),
    ...(endpoints ? { endpoints } : {}),
    ...(searched && toSource
      ? {
          progress: {
            to: getText(searched, "to"),
            count: Number(getNumber(searched, "count")),
            remaining: Number(getNumber(searched, "remaining")),
          },
        }
      : {}),
    ...(searched && !toSource
      ? { searched: { to: Number(getNumber(searched, "to")), oldest: Number(getNumber(searched, "oldest")) } }
      : {}),
  };
}

function toRecordEvent({
  text,
  record,
  ...rest
}: {
  text: string;
  record: JsonNode;
  type: string;
  seq: number | undefined;
  receivedMs: number;
  atMs?: number;
  version?: number;
}): StreamEvent | undefined {
  const data = getMember(record, "data");
  if (!data) return undefined;
  return toEvent({
    ...rest,
    recordId: getText(record, "uniqueId"),
    data: text.slice(data.start, data.end),
    createdAt: getText(record, "createdAt"),
    updatedAt: getText(record, "updatedAt"),
  });
}

function toEvent(parts: {
  type: string;
  recordId: string;
  data: string;
  createdAt: string;
  updatedAt: string;
  seq: number | undefined;
  receivedMs: number;
  atMs?: number;
  version?: number;
}): StreamEvent | undefined {
  const { type, recordId, data } = parts;
  if (!isChangeType(type)) return undefined;
  const updatedMs = Date.parse(parts.updatedAt);
  return {
    kind: KINDS[type],
    seq: parts.seq ?? 0,
    // A deletion does not change the record's times, so its time is that of its arrival.
    atMs: parts.atMs ?? (type === "DELETE" || Number.isNaN(updatedMs) ? parts.receivedMs : updatedMs),
    receivedMs: parts.receivedMs,
    recordId,
    createdMs: Date.parse(parts.createdAt),
    updatedMs,
    data,
    ...(parts.version === undefined ? {} : { version: parts.version }),
  };
}

function isChangeType(type: string): type is ChangeType {
  return Object.hasOwn(KINDS, type);
}

function toGapReason(reason: string): GapReason {
  return reason === "epoch_changed" || reason === "log_rewound" ? reason : "expired";
}

function getText(node: JsonNode | undefined, key: string): string {
  const member = getMember(node, key);
  return member?.kind === "string" ? member.value : "";
}

function getNumber(node: JsonNode | undefined, key: string): string {
  const member = getMember(node, key);
  return member?.kind === "number" ? member.text : "0";
}
