/** Decides which events a filter lets through. Works on bytes where it can, so that a hundred thousand events need no decoding. Pure. */
import { foldText, toSearchText } from "@/src/shared/text/text-as-read";
import { OPERATIONS, type Operation } from "../../stream/operations";
import { type EventKind, isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";

export interface EventFilter {
  /** Looked for in the data as people read it (toSearchText), and in the record's id; empty: anything. */
  text: string;
  operations: readonly Operation[];
}

export const FILTER_NONE: EventFilter = { text: "", operations: OPERATIONS };

/** True when it lets everything through. */
export function isFilterEmpty(filter: EventFilter): boolean {
  return filter.text.trim() === "" && OPERATIONS.every((operation) => filter.operations.includes(operation));
}

/** How a filter stands in the address: `q` the text, `op` the operations shown, when not all are. */
export interface FilterQuery {
  q: string | null;
  op: string | null;
}

/** Words that are no operations are passed over. */
export function parseFilter({ q, op }: FilterQuery): EventFilter {
  const named = op?.split(",");
  return { text: q ?? "", operations: named ? OPERATIONS.filter((operation) => named.includes(operation)) : OPERATIONS };
}

/** The other way. */
export function toFilterQuery({ text, operations }: EventFilter): FilterQuery {
  const isAll = OPERATIONS.every((operation) => operations.includes(operation));
  return { q: text === "" ? null : text, op: isAll ? null : operations.join(",") };
}

/** Compiles a filter. Marks always pass: what is missing from a stream is missing under every filter. */
export function createMatcher(filter: EventFilter): (ring: EventRing, ordinal: number) => boolean {
  const operations = new Set<EventKind>(filter.operations);
  const text = foldText(filter.text.trim());
  const needle = new TextEncoder().encode(text);
  const isNeedlePlain = needle.length === text.length;
  const idPart = /^[0-9a-f]{1,32}$/.test(text) ? text : undefined;
  return (ring, ordinal) => {
    const kind = ring.kind(ordinal);
    if (isMarkKind(kind)) return true;
    if (!operations.has(kind)) return false;
    if (text === "") return true;
    if (idPart !== undefined && ring.recordId(ordinal).includes(idPart)) return true;
    if (ring.isPlain(ordinal)) return isNeedlePlain && includesBytes(ring.bytesOf(ordinal), needle);
    return toSearchText(ring.data(ordinal)).includes(text);
  };
}

/** True when `needle`, which is in lower case, occurs in `bytes`; ASCII letters match in either case. */
export function includesBytes(bytes: Uint8Array, needle: Uint8Array): boolean {
  const [start] = needle;
  if (start === undefined) return true;
  const last = bytes.length - needle.length;
  for (let at = 0; at <= last; at += 1) {
    if (toLowerByte(bytes[at] ?? 0) !== start) continue;
    let length = 1;
    while (length < needle.length && toLowerByte(bytes[at + length] ?? 0) === needle[length]) length += 1;
    if (length === needle.length) return true;
  }
  return false;
}

function toLowerByte(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
