/** Fits a message into a close frame. It must not choose the message. */
import { CLOSE_REASON_BYTES_MAX } from "@/src/shared/streams/protocol";

/** `message`, cut where it has more than 123 bytes of UTF-8 (W3): after the last whole sentence that fits, or, without one, between two characters. */
export function toCloseReason(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.byteLength <= CLOSE_REASON_BYTES_MAX) return message;
  let end = CLOSE_REASON_BYTES_MAX;
  // A byte 10xxxxxx continues a character: cutting before it would leave half of one.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  const cut = bytes.subarray(0, end).toString("utf8");
  return /^.*\.(?= )/s.exec(cut)?.[0] ?? cut;
}
