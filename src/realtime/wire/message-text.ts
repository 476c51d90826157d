/** Writes the messages of a stream as JSON text (W2, W9, W10). */

import type { Change } from "@/src/core/records/ports";
import { toRecordText } from "@/src/core/records/record-text";
import { type Cursor, formatCursor } from "@/src/shared/streams/cursor";
import type { GapReason, WireGap, WireHeartbeat, WireOmitted, WireReady } from "@/src/shared/streams/stream-messages";

/** Changes that cannot be replayed (see {@link WireGap}). */
export interface Gap {
  from: Cursor;
  to: Cursor;
  reason: GapReason;
}

/**
 * A change without a cursor (W2). `upload` has the changes of the same upload up to this one, or this change alone. `data` is copied as text: it is already JSON,
 * and parsing it would lose the order of keys and the digits of numbers (R1).
 */
export function toChangeText({ type }: Change, upload: readonly Change[]): string {
  const text = upload.map(({ record }) => toRecordText(record)).join(",");
  return `{"type":"${type}","record":${upload.length === 1 ? text : `[${text}]`}}`;
}

/** A change with its cursor (W9). */
export function toCursorChangeText({ type, record }: Change, cursor: string): string {
  return `{"type":"${type}","record":${toRecordText(record)},"cursor":"${cursor}"}`;
}

/** A part of the records (W11). `items` has their JSON texts, joined by commas. */
export function toSnapshotText(items: string, cursor: Cursor | undefined): string {
  return `{"type":"SNAPSHOT","record":[${items}]${cursor ? `,"cursor":"${formatCursor(cursor)}"` : ""}}`;
}

/** The first message of a resumable stream (W9). It has no cursor if a snapshot follows, because the stream cannot be resumed before the snapshot is complete. */
export function toReadyText(cursor: Cursor | undefined): string {
  return JSON.stringify({ type: "READY", ...(cursor && { cursor: formatCursor(cursor) }) } satisfies WireReady);
}

/** The heartbeat of a resumable stream (W9). */
export function toHeartbeatText(cursor: Cursor): string {
  return JSON.stringify({ type: "BEAT", cursor: formatCursor(cursor) } satisfies WireHeartbeat);
}

/** The message that changes cannot be replayed (W10). */
export function toGapText({ from, to, reason }: Gap): string {
  const cursor = formatCursor(to);
  return JSON.stringify({ type: "GAP", from: formatCursor(from), to: cursor, reason, cursor } satisfies WireGap);
}

/** The content of an `OMITTED` message (W27), without type and cursor. */
export type Omission = Omit<WireOmitted, "type" | "cursor">;

/** The message that replaces one that is too large for the client (W27). */
export function toOmittedText(omission: Omission, cursor: string | undefined): string {
  return JSON.stringify({ type: "OMITTED", ...omission, ...(cursor === undefined ? {} : { cursor }) } satisfies WireOmitted);
}
