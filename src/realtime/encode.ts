/** Turns changes and control messages into WebSocket frames, each once for all subscribers. It must not know who gets them. */
import type { Change } from "@/src/core/ports";
import { toRecordText } from "@/src/core/record-text";
import { type Cursor, formatCursor } from "@/src/shared/cursor";
import type { ChangeType } from "@/src/shared/protocol";
import type { GapReason, WireBeat, WireGap, WireReady } from "@/src/shared/stream-messages";

const FIN_AND_TEXT = 0x81;

/** An unmasked, uncompressed text frame that holds `text` (RFC 6455, section 5.2): header and payload in one buffer. */
export function toTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = FIN_AND_TEXT;
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}

/** A change and its frames. Each format is encoded when it is first asked for, then shared. */
export interface EncodedChange {
  readonly change: Change;
  /** As W2 has it; of an upload of several files, all that have come so far. */
  plain(): Buffer;
  /** The same with `cursor` (W9). Every call must pass the same epoch. */
  withCursor(epoch: string): Buffer;
}

/**
 * `data` goes through as text: it is JSON already, and a parse would lose the order of keys and the digits of numbers (R1).
 * `upload`: the changes of the same upload up to this one.
 */
export function encodeChange(change: Change, upload: readonly Change[] = [change]): EncodedChange {
  let plain: Buffer | undefined;
  let withCursor: Buffer | undefined;
  return {
    change,
    plain: () => {
      plain ??= toTextFrame(`${toOpenText(change.type, toRecordsText(upload))}}`);
      return plain;
    },
    withCursor: (epoch) => {
      withCursor ??= toTextFrame(
        `${toOpenText(change.type, toRecordText(change.record))},"cursor":"${formatCursor({ epoch, seq: change.seq })}"}`,
      );
      return withCursor;
    },
  };
}

/** The message without its last brace. */
function toOpenText(type: ChangeType, record: string): string {
  return `{"type":"${type}","record":${record}`;
}

/** The record of a change; of an upload of several files, an array. */
function toRecordsText(upload: readonly Change[]): string {
  const text = upload.map(({ record }) => toRecordText(record)).join(",");
  return upload.length === 1 ? text : `[${text}]`;
}

/** The first message of a resumable stream (W9). */
export function encodeReady(cursor: Cursor): Buffer {
  return toTextFrame(JSON.stringify({ type: "READY", cursor: formatCursor(cursor) } satisfies WireReady));
}

/** The sign of life of a resumable stream (W9). */
export function encodeBeat(cursor: Cursor): Buffer {
  return toTextFrame(JSON.stringify({ type: "BEAT", cursor: formatCursor(cursor) } satisfies WireBeat));
}

/** Says that the changes after `from`, up to and including `to`, can't be replayed (W10). */
export function encodeGap({ from, to, reason }: { from: Cursor; to: Cursor; reason: GapReason }): Buffer {
  const cursor = formatCursor(to);
  return toTextFrame(JSON.stringify({ type: "GAP", from: formatCursor(from), to: cursor, reason, cursor } satisfies WireGap));
}
