/** Streams a JSON array at the client's pace (R3). It holds at most two pieces, whatever the length. */
import type { OutgoingHttpHeaders } from "node:http";
import { toHeldLength } from "@/src/http/hold-bytes";
import { isClosed } from "@/src/http/reply/answered";
import { type Exchange, endAnswer, type HeaderList, respond } from "@/src/http/reply/respond";
import { sendPieces } from "@/src/http/reply/send-pieces";

/**
 * Sends `pieces` (array items joined by commas) as one array. Rejects if they fail. Before the first byte, the caller can still respond with an error; later, the caller must
 * cut the connection, so that the client sees that the array is incomplete. If the client disconnects, reading stops.
 */
export async function streamList({
  exchange,
  headers,
  pieces,
  hold = () => undefined,
}: {
  exchange: Exchange;
  headers: OutgoingHttpHeaders | HeaderList;
  pieces: AsyncIterable<string>;
  /** Called with the number of additional bytes that are held. May throw only while nothing was sent (`isBegun` is false). */
  hold?: (bytes: number, isBegun: boolean) => void;
}): Promise<void> {
  const { response } = exchange;
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    let next = first.done ? first : await iterator.next();
    if (isClosed(response)) return;
    const head = first.done ? "" : first.value;
    let held = toHeldLength(head) + (next.done ? 0 : toHeldLength(next.value));
    hold(held, false);
    if (next.done) {
      respond(exchange, { status: 200, headers, body: `[${head}]` });
      return;
    }
    response.writeHead(200, headers);
    const begin = Buffer.from(`[${head}`);
    exchange.onHead?.(200, begin.byteLength);
    if (response.req.method === "HEAD") return endAnswer(exchange);
    let sending = sendPieces(response, begin);
    while (!next.done) {
      if (!(await sending)) return;
      const length = toHeldLength(next.value);
      const piece = Buffer.from(`,${next.value}`);
      exchange.onBytes?.(piece.byteLength);
      sending = sendPieces(response, piece);
      next = await iterator.next();
      const holding = length + (next.done ? 0 : toHeldLength(next.value));
      if (holding > held) hold(holding - held, true);
      held = Math.max(held, holding);
    }
    if (!(await sending)) return;
    response.write("]");
    endAnswer(exchange);
  } finally {
    await iterator.return?.();
  }
}
