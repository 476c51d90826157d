/** How the messages of a stream are written for each kind of client: WebSocket frames or server-sent events, with or without cursors. It must not decide what is sent. */
import { type Cursor, formatCursor } from "@/src/shared/streams/cursor";
import { type EncodedChange, readPayloadBytes, toEvent, toTextFrame } from "./encode";
import { type Gap, type Omission, toGapText, toHeartbeatText, toOmittedText, toReadyText, toSnapshotText } from "./message-text";

export interface StreamFormat {
  /** Whether an upload of several files is one message (W2), with the place of its last change; otherwise each change is one. */
  joinsUploads: boolean;
  change(encoded: EncodedChange, epoch: string): Buffer;
  /** `cursor`: undefined where the stream can't be resumed yet. */
  ready(cursor: Cursor | undefined): Buffer;
  /** A part of a snapshot; the last one has the cursor. */
  snapshot(items: string, cursor: Cursor | undefined): Buffer;
  beat(cursor: Cursor): Buffer;
  gap(gap: Gap): Buffer;
  /** In place of a message that is too large. `cursor`: undefined where the stream can't be resumed yet. */
  omitted(omission: Omission, cursor: string | undefined): Buffer;
  /** The size of one message, as `maxMessage` counts (W27). */
  messageBytes(message: Buffer): number;
  /** What the client's messages may have at most, and the format without that bound; undefined: no bound. */
  limit?: { bytesMax: number; whole: StreamFormat };
}

/** How long an `EventSource` waits before it connects again. */
const RETRY_MS = 1_000;

/** WebSocket in resumable mode (W9). */
export const CURSOR_FRAMES: StreamFormat = {
  joinsUploads: false,
  change: (encoded, epoch) => encoded.withCursor(epoch),
  ready: (cursor) => toTextFrame(toReadyText(cursor)),
  snapshot: (items, cursor) => toTextFrame(toSnapshotText(items, cursor)),
  beat: (cursor) => toTextFrame(toHeartbeatText(cursor)),
  gap: (gap) => toTextFrame(toGapText(gap)),
  omitted: (omission, cursor) => toTextFrame(toOmittedText(omission, cursor)),
  messageBytes: readPayloadBytes,
};

/** WebSocket without an opt-in (W2): a session sends nothing but changes. */
export const PLAIN_FRAMES: StreamFormat = {
  ...CURSOR_FRAMES,
  joinsUploads: true,
  change: (encoded) => encoded.plain(),
  snapshot: (items) => toTextFrame(toSnapshotText(items, undefined)),
  omitted: (omission) => toTextFrame(toOmittedText(omission, undefined)),
};

/** Server-sent events with `since` (W12): the messages of W9 and W10, whose cursors are their ids, too. */
export const CURSOR_EVENTS: StreamFormat = {
  joinsUploads: false,
  change: (encoded, epoch) => encoded.cursorEvent(epoch),
  ready: (cursor) => toEvent({ retryMs: RETRY_MS, ...toId(cursor), data: toReadyText(cursor) }),
  snapshot: (items, cursor) => toEvent({ ...toId(cursor), data: toSnapshotText(items, cursor) }),
  beat: (cursor) => toEvent({ id: formatCursor(cursor), data: toHeartbeatText(cursor) }),
  gap: (gap) => toEvent({ id: formatCursor(gap.to), data: toGapText(gap) }),
  omitted: (omission, cursor) => toEvent({ ...(cursor === undefined ? {} : { id: cursor }), data: toOmittedText(omission, cursor) }),
  messageBytes: (event) => event.byteLength,
};

/** Server-sent events without `since` (W12): whoever listens to messages hears of changes alone, and yet can resume. */
export const PLAIN_EVENTS: StreamFormat = {
  joinsUploads: true,
  change: (encoded, epoch) => encoded.plainEvent(epoch),
  ready: (cursor) => toEvent({ retryMs: RETRY_MS, ...toId(cursor) }),
  snapshot: (items, cursor) => toEvent({ ...toId(cursor), data: toSnapshotText(items, undefined) }),
  beat: (cursor) => toEvent({ id: formatCursor(cursor) }),
  gap: (gap) => toEvent({ id: formatCursor(gap.to), event: "gap", data: toGapText(gap) }),
  omitted: (omission, cursor) =>
    toEvent({ ...(cursor === undefined ? {} : { id: cursor }), event: "omitted", data: toOmittedText(omission, undefined) }),
  messageBytes: (event) => event.byteLength,
};

function toId(cursor: Cursor | undefined): { id?: string } {
  return cursor ? { id: formatCursor(cursor) } : {};
}
