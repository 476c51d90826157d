/** Decides which events a filter lets through. Works on bytes, so that a hundred thousand events need no decoding. Pure. */
import { type EventKind, type EventRing, isMarkKind } from "./event-ring";

export const OPERATIONS = ["create", "update", "delete"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface EventFilter {
  /** Looked for in the data and the record's id; empty: anything. Letters a to z match in either case. */
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
  const text = filter.text.trim();
  const needles = text === "" ? [] : toNeedles(text);
  const idPart = /^[0-9a-f]{1,32}$/i.test(text) ? text.toLowerCase() : undefined;
  return (ring, ordinal) => {
    const kind = ring.kind(ordinal);
    if (isMarkKind(kind)) return true;
    if (!operations.has(kind)) return false;
    if (needles.length === 0) return true;
    if (idPart !== undefined && ring.recordId(ordinal).includes(idPart)) return true;
    const bytes = ring.bytesOf(ordinal);
    return needles.some((needle) => includesBytes(bytes, needle));
  };
}

/** The text as it is, and as it stands inside a JSON string (`say "hi"` is kept as `say \"hi\"`). */
function toNeedles(text: string): Uint8Array[] {
  const escaped = JSON.stringify(text).slice(1, -1);
  return [...new Set([text, escaped])].map((needle) => new TextEncoder().encode(needle).map(toLowerByte));
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
