/** The formats and the start of streams. The cursors of streams with a judge are sealed. */
import type { Grant } from "@/src/core/access/access";
import type { FoundPosition, LogPosition } from "@/src/core/streams/ports";
import { toEpoch } from "@/src/shared/streams/cursor";
import { toEndpointPath } from "@/src/shared/streams/protocol";
import { toUploadBoundary } from "../log/delivered-position";
import { limitFormat } from "../wire/message-limit";
import { type SealCursor, sealFormat, toStartCursor } from "../wire/sealed-cursors";
import { CURSOR_FRAMES, PLAIN_FRAMES, type StreamFormat } from "../wire/stream-format";
import type { ChangeSource } from "./channels";
import type { Start } from "./session";

export interface StreamCursors {
  /** Where the stream starts, and the proof of the change that the log has there. */
  toStart(request: { start: Start; grant: Grant }, found: FoundPosition): { start: Start; known: string | undefined };
  /** The format of the stream's messages. */
  toFormat(request: { grant: Grant; start: Start; format?: StreamFormat | undefined; messageBytesMax?: number | undefined }): StreamFormat;
}

export function createStreamCursors(seal: SealCursor): StreamCursors {
  /** By the same formats without a seal. Streams share them, and the bytes that are encoded with them. */
  const sealedFormats = new Map<StreamFormat, StreamFormat>();

  function toSealed(format: StreamFormat): StreamFormat {
    const sealed = sealedFormats.get(format) ?? sealFormat(format, seal);
    sealedFormats.set(format, sealed);
    return sealed;
  }

  return {
    toStart: ({ start, grant }, { proofs }) => {
      if (start.mode !== "after") return { start, known: undefined };
      const { cursor, known } = toStartCursor(start.cursor, proofs.get(start.cursor.seq), grant.judge && seal);
      return { start: { mode: "after", cursor }, known };
    },
    toFormat: ({ format, start, messageBytesMax, grant }) => {
      const plain = format ?? (start.mode === "plain" ? PLAIN_FRAMES : CURSOR_FRAMES);
      const whole = grant.judge ? toSealed(plain) : plain;
      if (messageBytesMax === undefined) return whole;
      return limitFormat(whole, { bytesMax: messageBytesMax, path: toEndpointPath(grant.endpoint.name) });
    },
  };
}

/** The later of the position that the query found and the position that has been delivered. It is never within an upload that is sent as one message. */
export function toTip(found: LogPosition, source: ChangeSource, format: StreamFormat): LogPosition {
  const position = source.position();
  const tip = { epoch: toEpoch(found.epoch), seq: found.seq, proof: found.proof };
  if (position?.epoch !== tip.epoch || position.seq <= tip.seq) return tip;
  return format.joinsUploads ? toUploadBoundary(position) : position;
}
