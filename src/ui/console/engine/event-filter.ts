/** Decides which events match a filter. Compares bytes where possible, so that 100,000 events need no decoding. Pure. */
import { foldText, toSearchText } from "@/src/shared/text/fold-text";
import { OPERATIONS, type Operation } from "../../stream/operations";
import { type EventKind, isMarkKind } from "../../stream/stream-event";
import type { EventRing } from "./event-ring";

export interface EventFilter {
  /** Searched in the data as displayed (toSearchText) and in the record's id. Empty matches everything. */
  text: string;
  operations: readonly Operation[];
}

export const FILTER_NONE: EventFilter = { text: "", operations: OPERATIONS };

/** True if everything matches. */
export function isFilterEmpty(filter: EventFilter): boolean {
  return filter.text.trim() === "" && OPERATIONS.every((operation) => filter.operations.includes(operation));
}

/** A filter as URL parameters: `q` is the text, `op` the operations, unless all are shown. */
export interface FilterQuery {
  q: string | null;
  op: string | null;
}

/** Ignores unknown operations. */
export function parseFilter({ q, op }: FilterQuery): EventFilter {
  const named = op?.split(",");
  return { text: q ?? "", operations: named ? OPERATIONS.filter((operation) => named.includes(operation)) : OPERATIONS };
}

/** The inverse of parseFilter. */
export function toFilterQuery({ text, operations }: EventFilter): FilterQuery {
  const isAll = OPERATIONS.every((operation) => operations.includes(operation));
  return { q: text === "" ? null : text, op: isAll ? null : operations.join(",") };
}

/** Compiles a filter. Marks always match: a gap in the stream concerns every filter. */
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

/** True if `needle`, which is in lower case, occurs in `bytes`. ASCII letters match in either case. */
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
