/** Sends long responses piece by piece, at the client's pace, so that neither encoding nor sending them delays others. */
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isClosed, onAnswered } from "@/src/http/reply/answered";

/** Bytes of one write. The memory of each piece is freed after the client has read it. */
export const PIECE_BYTES = 64 * 1024;
/** Characters that are encoded in one turn of the event loop. */
const TURN_LENGTH = 1024 * 1024;

/** Encodes a text as UTF-8, outside of V8's heap. Responses that wait for slow clients are bounded by the budget of held bytes, and not by the heap. */
export async function encodeLongText(text: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  let length = 0;
  for (let start = 0; start < text.length; ) {
    const end = turnEnd(text, start);
    length += bytes.write(text.slice(start, end), length);
    start = end;
    if (start < text.length) await nextTurn();
  }
  return bytes;
}

/** Writes `bytes` after the head. Settles with true after all bytes were written, or with false if the client has disconnected. */
export async function sendPieces(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
    if (isClosed(response)) return false;
    if (!response.write(bytes.subarray(start, start + PIECE_BYTES)) && !(await isDrained(response))) return false;
  }
  return !isClosed(response);
}

/** Settles with true when the client has read what was written, or with false when it has disconnected. */
function isDrained(response: ServerResponse): Promise<boolean> {
  if (isClosed(response) || !response.writableNeedDrain) return Promise.resolve(!isClosed(response));
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      cancel();
      resolve(!isClosed(response));
    };
    response.on("drain", settle);
    const cancel = onAnswered(response, settle);
  });
}

/** The two halves of a character above U+FFFF stay together, because neither can be encoded alone. */
function turnEnd(text: string, start: number): number {
  const end = start + TURN_LENGTH;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end;
}
