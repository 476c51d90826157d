/** Sends a text of megabytes without keeping others waiting: encoding it in one go would hold the event loop. It must not look into it. */
import { once } from "node:events";
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";

/** Characters of a piece. */
const PIECE_LENGTH = 128 * 1024;
/** A client that takes nothing for so long is cut off. */
const STALL_MS = 60_000;

/** Sends `text` as the whole body. Settles when it was handed over, or the client has gone. */
export async function sendLongText({
  response,
  headers,
  text,
}: {
  response: ServerResponse;
  headers: OutgoingHttpHeaders;
  text: string;
}): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(200, { ...headers, "Content-Length": Buffer.byteLength(text) });
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  response.setTimeout(STALL_MS, () => response.destroy());
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  for (let start = 0; start < text.length; ) {
    const end = pieceEnd(text, start);
    const isReady = response.write(text.slice(start, end));
    start = end;
    // Settles also when it is aborted: then the loop ends below.
    await (isReady ? setImmediate() : once(response, "drain", { signal: closed.signal }).catch(() => undefined));
    if (closed.signal.aborted) return;
  }
  response.end();
}

/** Two halves of a character above U+FFFF stay together: apart, neither has an encoding. */
function pieceEnd(text: string, start: number): number {
  const end = start + PIECE_LENGTH;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end + 1 : end;
}
