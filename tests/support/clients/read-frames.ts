/** Reads server frames byte by byte (RFC 6455, section 5.2), independently of the code that writes them. */

export type ServerFrame = { kind: "text"; text: string } | { kind: "close"; code: number; reason: string } | { kind: "ping" | "pong" };

/** The frames in `bytes`, and the bytes of an incomplete last one. Throws for frames that are fragmented, masked or compressed. */
export function readServerFrames(bytes: Buffer): { frames: ServerFrame[]; rest: Buffer } {
  const frames: ServerFrame[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const start = at;
    const length7 = bytes.readUInt8(at + 1);
    if (length7 > 127) throw new Error("a masked frame");
    const headerLength = length7 < 126 ? 2 : length7 === 126 ? 4 : 10;
    if (bytes.length - at < headerLength) return { frames, rest: bytes.subarray(start) };
    const length = length7 < 126 ? length7 : length7 === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (bytes.length - at < headerLength + length) return { frames, rest: bytes.subarray(start) };
    frames.push(toFrame(bytes.readUInt8(at), bytes.subarray(at + headerLength, at + headerLength + length)));
    at += headerLength + length;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** The texts of `bytes`, which must be complete text frames. */
export function readTexts(bytes: Buffer): string[] {
  const { frames, rest } = readServerFrames(bytes);
  if (rest.length > 0) throw new Error("a frame is cut off");
  return frames.map((frame) => {
    if (frame.kind !== "text") throw new Error(`a ${frame.kind} frame`);
    return frame.text;
  });
}

function toFrame(first: number, payload: Buffer): ServerFrame {
  switch (first) {
    case 0x81:
      return { kind: "text", text: payload.toString("utf8") };
    case 0x88:
      return { kind: "close", code: payload.readUInt16BE(0), reason: payload.subarray(2).toString("utf8") };
    case 0x89:
      return { kind: "ping" };
    case 0x8a:
      return { kind: "pong" };
    default:
      throw new Error(`a frame that starts with 0x${first.toString(16)}`);
  }
}
