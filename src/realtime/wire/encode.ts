/** Encodes messages as WebSocket frames and server-sent events. The bytes of a change are encoded once for all subscribers. */

import type { Change } from "@/src/core/records/ports";
import { positionOf } from "@/src/core/streams/change-proof";
import type { LogPosition } from "@/src/core/streams/ports";
import { formatCursor } from "@/src/shared/streams/cursor";
import { CLOSE_REASON_BYTES_MAX } from "@/src/shared/streams/protocol";
import { toChangeText, toCursorChangeText } from "./message-text";
import type { SealCursor } from "./sealed-cursors";

const FIN_AND_TEXT = 0x81;

/** Returns an unmasked, uncompressed text frame with `text` (RFC 6455, section 5.2), header and payload in one buffer. */
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

/** The number of payload bytes in a frame of {@link toTextFrame}. */
export function readPayloadBytes(frame: Buffer): number {
  const length = frame[1] ?? 0;
  return frame.byteLength - (length < 126 ? 2 : length === 126 ? 4 : 10);
}

/** A server-sent event. `id` and `event` are single lines. */
interface ServerEvent {
  id?: string;
  /** The event's type; absent: `message`. */
  event?: string;
  /** Absent: browsers store the id and dispatch no event. */
  data?: string;
  /** The time after which browsers reconnect. */
  retryMs?: number;
}

/** Writes an event (HTML standard, section 9.2.6). Each line of the data becomes a field of its own, so line breaks between JSON tokens arrive as "\n". */
export function toEvent({ id, event, data, retryMs }: ServerEvent): Buffer {
  const lines: string[] = [];
  if (retryMs !== undefined) lines.push(`retry: ${retryMs}`);
  if (id !== undefined) lines.push(`id: ${id}`);
  if (event !== undefined) lines.push(`event: ${event}`);
  if (data !== undefined) lines.push(`data: ${data.replace(/\r\n|\r|\n/g, "\ndata: ")}`);
  return Buffer.from(`${lines.join("\n")}\n\n`);
}

/**
 * Shortens `message` to the 123 bytes of UTF-8 that a close frame holds (W3): after the last whole sentence that fits, or between two characters if there
 * is none.
 */
export function toCloseReason(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.byteLength <= CLOSE_REASON_BYTES_MAX) return message;
  let end = CLOSE_REASON_BYTES_MAX;
  // A byte 10xxxxxx continues a character. A cut before it would leave half of that character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  const cut = bytes.subarray(0, end).toString("utf8");
  return /^.*\.(?= )/s.exec(cut)?.[0] ?? cut;
}

/** A change and its bytes. Each format is encoded at its first use, then shared. All calls must pass the same epoch. */
export interface EncodedChange {
  readonly change: Change;
  /** The changes of the same upload up to this one. */
  readonly upload: readonly Change[];
  cursor(epoch: string): string;
  /** The place of the change in the log. */
  position(epoch: string): LogPosition;
  /** A frame as defined in W2. For an upload of several files, it has the files up to this one. */
  plain(): Buffer;
  /** A frame with `cursor` (W9). */
  withCursor(epoch: string): Buffer;
  /** A server-sent event with the data of `plain`. Its id is the cursor (W12). */
  plainEvent(epoch: string): Buffer;
  /** A server-sent event with the data of `withCursor`. */
  cursorEvent(epoch: string): Buffer;
}

/** `upload` has the changes of the same upload up to this one. */
export const encodeChange: Encode = (change, upload = [change]) => new SharedEncoding(change, upload, undefined);

/** Encodes a change. `upload` defaults to the change alone. */
export type Encode = (change: Change, upload?: readonly Change[]) => EncodedChange;

/** Returns a form of {@link encodeChange} whose cursors are sealed. A change that is no part of an upload is encoded once, however often it is passed. */
export function createSealedEncode(seal: SealCursor): Encode {
  const known = new WeakMap<Change, EncodedChange>();
  return (change, upload = [change]) => {
    if (upload.length > 1) return new SharedEncoding(change, upload, seal);
    const found = known.get(change);
    if (found) return found;
    const encoded = new SharedEncoding(change, upload, seal);
    known.set(change, encoded);
    return encoded;
  };
}

/** A class and not an object with closures, because one is created for every change and most of its methods are never called. */
class SharedEncoding implements EncodedChange {
  readonly change: Change;
  readonly upload: readonly Change[];
  readonly #seal: SealCursor | undefined;
  #position: LogPosition | undefined;
  #plain: Buffer | undefined;
  #withCursor: Buffer | undefined;
  #plainEvent: Buffer | undefined;
  #cursorEvent: Buffer | undefined;

  constructor(change: Change, upload: readonly Change[], seal: SealCursor | undefined) {
    this.change = change;
    this.upload = upload;
    this.#seal = seal;
  }

  position(epoch: string): LogPosition {
    this.#position ??= positionOf(this.change, epoch);
    return this.#position;
  }

  cursor(epoch: string): string {
    const position = this.position(epoch);
    return formatCursor(this.#seal ? this.#seal(position) : position);
  }

  plain(): Buffer {
    this.#plain ??= toTextFrame(toChangeText(this.change, this.upload));
    return this.#plain;
  }

  withCursor(epoch: string): Buffer {
    this.#withCursor ??= toTextFrame(toCursorChangeText(this.change, this.cursor(epoch)));
    return this.#withCursor;
  }

  plainEvent(epoch: string): Buffer {
    this.#plainEvent ??= toEvent({ id: this.cursor(epoch), data: toChangeText(this.change, this.upload) });
    return this.#plainEvent;
  }

  cursorEvent(epoch: string): Buffer {
    if (this.#cursorEvent === undefined) {
      const cursor = this.cursor(epoch);
      this.#cursorEvent = toEvent({ id: cursor, data: toCursorChangeText(this.change, cursor) });
    }
    return this.#cursorEvent;
  }
}

/** Encodes changes in the order of the log, each with the earlier changes of its upload. */
export interface UploadEncoder {
  encode(change: Change): EncodedChange;
  /** Forgets the current upload, because the next change does not follow the last one. */
  reset(): void;
}

export function createUploadEncoder(encode: Encode = encodeChange): UploadEncoder {
  /** The changes of an upload whose last one has not been encoded. */
  let begun: readonly Change[] = [];
  return {
    encode: (change) => {
      const upload = begun.length === 0 ? [change] : [...begun, change];
      begun = change.remainingInUpload === undefined ? [] : upload;
      return encode(change, upload);
    },
    reset: () => {
      begun = [];
    },
  };
}
