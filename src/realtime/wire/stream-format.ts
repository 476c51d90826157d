/** The formats of a stream's messages: WebSocket frames or server-sent events, with or without cursors. */
import { type Cursor, formatCursor } from "@/src/shared/streams/cursor";
import { type EncodedChange, readPayloadBytes, toEvent, toTextFrame } from "./encode";
import { type Gap, type Omission, toGapText, toHeartbeatText, toOmittedText, toReadyText, toSnapshotText } from "./message-text";

export interface StreamFormat {
  /** Whether an upload of several files is one message (W2) with the place of its last change. Otherwise each change is a message. */
  joinsUploads: boolean;
  change(encoded: EncodedChange, epoch: string): Buffer;
  /** `cursor` is undefined if the stream cannot be resumed yet. */
  ready(cursor: Cursor | undefined): Buffer;
  /** A part of a snapshot. Only the last part has the cursor. */
  snapshot(items: string, cursor: Cursor | undefined): Buffer;
  heartbeat(cursor: Cursor): Buffer;
  gap(gap: Gap): Buffer;
  /** The notice that replaces a message that is too large. `cursor` is undefined if the stream cannot be resumed yet. */
  omitted(omission: Omission, cursor: string | undefined): Buffer;
  /** The size of one message as `maxMessage` counts it (W27). */
  messageBytes(message: Buffer): number;
  /** The limit of the client's messages, and the same format without the limit; undefined if there is none. */
  limit?: { bytesMax: number; whole: StreamFormat };
}

/** How long an `EventSource` waits before it reconnects. */
const RETRY_MS = 1_000;

/** WebSocket in resumable mode (W9). */
export const CURSOR_FRAMES: StreamFormat = {
  joinsUploads: false,
  change: (encoded, epoch) => encoded.withCursor(epoch),
  ready: (cursor) => toTextFrame(toReadyText(cursor)),
  snapshot: (items, cursor) => toTextFrame(toSnapshotText(items, cursor)),
  heartbeat: (cursor) => toTextFrame(toHeartbeatText(cursor)),
  gap: (gap) => toTextFrame(toGapText(gap)),
  omitted: (omission, cursor) => toTextFrame(toOmittedText(omission, cursor)),
  messageBytes: readPayloadBytes,
};

/** WebSocket without an opt-in (W2). A session sends changes only. */
export const PLAIN_FRAMES: StreamFormat = {
  ...CURSOR_FRAMES,
  joinsUploads: true,
  change: (encoded) => encoded.plain(),
  snapshot: (items) => toTextFrame(toSnapshotText(items, undefined)),
  omitted: (omission) => toTextFrame(toOmittedText(omission, undefined)),
};

/** Server-sent events with `since` (W12): the messages of W9 and W10, with their cursors as ids. */
export const CURSOR_EVENTS: StreamFormat = {
  joinsUploads: false,
  change: (encoded, epoch) => encoded.cursorEvent(epoch),
  ready: (cursor) => toEvent({ retryMs: RETRY_MS, ...toId(cursor), data: toReadyText(cursor) }),
  snapshot: (items, cursor) => toEvent({ ...toId(cursor), data: toSnapshotText(items, cursor) }),
  heartbeat: (cursor) => toEvent({ id: formatCursor(cursor), data: toHeartbeatText(cursor) }),
  gap: (gap) => toEvent({ id: formatCursor(gap.to), data: toGapText(gap) }),
  omitted: (omission, cursor) => toEvent({ ...(cursor === undefined ? {} : { id: cursor }), data: toOmittedText(omission, cursor) }),
  messageBytes: (event) => event.byteLength,
};

/** Server-sent events without `since` (W12). Listeners for messages get changes only, and the stream can still be resumed. */
export const PLAIN_EVENTS: StreamFormat = {
  joinsUploads: true,
  change: (encoded, epoch) => encoded.plainEvent(epoch),
  ready: (cursor) => toEvent({ retryMs: RETRY_MS, ...toId(cursor) }),
  snapshot: (items, cursor) => toEvent({ ...toId(cursor), data: toSnapshotText(items, undefined) }),
  heartbeat: (cursor) => toEvent({ id: formatCursor(cursor) }),
  gap: (gap) => toEvent({ id: formatCursor(gap.to), event: "gap", data: toGapText(gap) }),
  omitted: (omission, cursor) =>
    toEvent({ ...(cursor === undefined ? {} : { id: cursor }), event: "omitted", data: toOmittedText(omission, undefined) }),
  messageBytes: (event) => event.byteLength,
};

function toId(cursor: Cursor | undefined): { id?: string } {
  return cursor ? { id: formatCursor(cursor) } : {};
}
