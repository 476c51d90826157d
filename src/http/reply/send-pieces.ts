/** Sends long answers piece by piece, at the client's pace, so that neither encoding nor sending them keeps others waiting. */
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isGone, onAnswered } from "@/src/http/reply/answered";

/** Bytes of one write: what the client has taken is given back to the memory piece by piece. */
export const PIECE_BYTES = 64 * 1024;
/** Characters that are encoded in one turn. */
const TURN_LENGTH = 1024 * 1024;

/** The UTF-8 of a text, outside of V8's heap: what waits for a slow client is bounded by the budget of held bytes, and not by the heap. */
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

/** Writes `bytes` after a head that was written. Settles once all is handed over (true), or the client has gone (false). */
export async function sendPieces(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
    if (isGone(response)) return false;
    if (!response.write(bytes.subarray(start, start + PIECE_BYTES)) && !(await isDrained(response))) return false;
  }
  return !isGone(response);
}

/** Settles when the client has taken what was written (true) or has gone (false). */
function isDrained(response: ServerResponse): Promise<boolean> {
  if (isGone(response) || !response.writableNeedDrain) return Promise.resolve(!isGone(response));
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      cancel();
      resolve(!isGone(response));
    };
    response.on("drain", settle);
    const cancel = onAnswered(response, settle);
  });
}

/** Two halves of a character above U+FFFF stay together: apart, neither has an encoding. */
function turnEnd(text: string, start: number): number {
  const end = start + TURN_LENGTH;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end;
}
