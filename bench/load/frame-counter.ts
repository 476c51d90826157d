/** Counts the messages of a WebSocket stream from the headers of its frames, and finds the pings that its reader must answer. */

const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9];
/** The ping of Centrifugo's JSON protocol is the message `{}`. */
const JSON_PING = "{}";
const JOINED_PING = Buffer.from(`\n${JSON_PING}`);
const [OPENING_BRACE, CLOSING_BRACE] = [0x7b, 0x7d];

export interface FrameEvents {
  onMessages(count: number): void;
  onPing(): void;
  /** A ping of Centrifugo's protocol, which is a message. */
  onJsonPing(): void;
  onClose(): void;
}

/**
 * Returns a function that takes what arrives. `joinedBytes`: the bytes of a message, if the server joins messages by line breaks and sends them as one frame
 * (Centrifugo). A ping of that protocol can be a line of such a frame. A server that gets no answer closes the stream.
 */
export function createFrameCounter(events: FrameEvents, joinedBytes?: number): (chunk: Buffer) => void {
  /** Bytes of a payload that are still to come. */
  let skip = 0;
  /** The beginning of a header. */
  let partial: Buffer | undefined;
  /** The end of the last chunk, in which a joined ping may begin. */
  let tail: Buffer | undefined;
  const isJoined = joinedBytes !== undefined;

  /** Whether a line of the payloads in `chunk` is a ping. Payloads have no other line breaks, because JSON escapes them. */
  const hasJoinedPing = (chunk: Buffer): boolean => {
    const seam = tail === undefined ? chunk : Buffer.concat([tail, chunk.subarray(0, JOINED_PING.length - 1)]);
    // A chunk can be shorter than a ping, so that one ping lies in three chunks or more.
    tail = (chunk.length < JOINED_PING.length - 1 ? seam : chunk).subarray(-(JOINED_PING.length - 1));
    return chunk.indexOf(JOINED_PING) >= 0 || seam.indexOf(JOINED_PING) >= 0;
  };

  return (received) => {
    let hasPing = isJoined && hasJoinedPing(received);
    let chunk = received;
    if (partial !== undefined) {
      chunk = Buffer.concat([partial, received]);
      partial = undefined;
    }
    let at = skip;
    while (at < chunk.length) {
      const short = (chunk[at + 1] ?? 0) & 127;
      const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      // The first two bytes of a payload show whether it begins with a ping.
      const neededBytes = headerBytes + (isJoined ? Math.min(short, JSON_PING.length) : 0);
      if (at + neededBytes > chunk.length) {
        partial = chunk.subarray(at);
        at = chunk.length;
        break;
      }
      const length = short === 126 ? chunk.readUInt16BE(at + 2) : short === 127 ? Number(chunk.readBigUInt64BE(at + 2)) : short;
      const opcode = (chunk[at] ?? 0) & 15;
      if (opcode === PING) events.onPing();
      else if (opcode === CLOSE) events.onClose();
      else if (opcode === TEXT || opcode === BINARY) {
        const payload = at + headerBytes;
        if (isJoined && chunk[payload] === OPENING_BRACE && chunk[payload + 1] === CLOSING_BRACE) hasPing = true;
        // A message differs from `joinedBytes` by a few digits of its number. A frame has 16 messages at most, so the count is exact, also with a ping.
        events.onMessages(joinedBytes === undefined ? 1 : Math.round((length + 1) / (joinedBytes + 1)));
      }
      at += headerBytes + length;
    }
    skip = at - chunk.length;
    // Pings are many seconds apart, and an answer to none ends the stream. So one chunk gets one answer.
    if (hasPing) events.onJsonPing();
  };
}
