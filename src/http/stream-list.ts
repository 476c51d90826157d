/** Streams a JSON array to a client at the client's pace (R3). It must not hold more than two pieces, whatever the length. */
import type { OutgoingHttpHeaders, ServerResponse } from "node:http";

/** A client that takes nothing for so long is cut off: it would hold its connection for ever. */
const STALL_MS = 60_000;

/**
 * Sends `pieces` (array items joined by commas) as one array. Rejects when they fail: before the first byte the caller may still answer an
 * error, afterwards the answer is cut off, so that the client sees that it is not whole. When the client goes away, reading stops.
 */
export async function streamList({
  response,
  headers,
  pieces,
  stallMs = STALL_MS,
}: {
  response: ServerResponse;
  headers: OutgoingHttpHeaders;
  pieces: AsyncIterable<string>;
  stallMs?: number;
}): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    let next = first.done ? first : await iterator.next();
    if (response.destroyed) return;
    const head = first.done ? "" : first.value;
    if (next.done) {
      const body = `[${head}]`;
      response.writeHead(200, { ...headers, "Content-Length": Buffer.byteLength(body) });
      response.end(body);
      return;
    }
    response.writeHead(200, headers);
    if (response.req.method === "HEAD") {
      response.end();
      return;
    }
    response.setTimeout(stallMs, () => response.destroy());
    let isReady = response.write(`[${head}`);
    while (!next.done) {
      if (!isReady && !(await isDrained(response))) return;
      isReady = response.write(`,${next.value}`);
      next = await iterator.next();
    }
    response.end("]");
  } finally {
    await iterator.return?.();
  }
}

/** Settles when the client has taken what was written (true) or has gone (false). */
function isDrained(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  if (!response.writableNeedDrain) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle).off("close", settle);
      resolve(!response.destroyed);
    };
    response.on("drain", settle).on("close", settle);
  });
}
