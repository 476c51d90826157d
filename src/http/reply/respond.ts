/** Sends answers, and keeps the connection sane when the request was not read to its end. It must not know records or rules. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { isGone } from "@/src/http/reply/answered";
import { encodeLongText, PIECE_BYTES, sendPieces } from "@/src/http/reply/send-pieces";
import type { Drain } from "@/src/http/server/drain";

/** One request and its answer. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Drops the rest of a refused body, so that its sender gets to read our answer. */
  drain: Drain;
}

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  /** Undefined: no content. */
  body?: string;
  /** Ends the connection afterwards: the request's rest is not worth reading. */
  close?: boolean;
}

type LongAnswer = Answer & { body: string };

/** Sends a whole answer. Does nothing when the client has gone. */
export function respond(exchange: Exchange, answer: Answer): void {
  const { request, response } = exchange;
  if (isGone(response) || response.headersSent) return;
  if (answer.body !== undefined && answer.body.length > PIECE_BYTES) {
    void respondLong(exchange, { ...answer, body: answer.body });
    return;
  }
  const { status, headers, body, close = false } = answer;
  // A text, and no Buffer: Node then sends head and body in one piece.
  response.writeHead(status, {
    ...headers,
    ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
    ...(close ? { Connection: "close" } : {}),
  });
  if (request.complete) {
    response.end(body);
    return;
  }
  // The answer is complete for the client at once. Ended is it only when the rest of the request has come: ending with `Connection: close`
  // would close the socket with unread data in it, which resets the connection and may take the answer with it.
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  exchange.drain(request, () => response.end());
}

/** Never rejects: a client that goes away ends it. */
async function respondLong({ request, response, drain }: Exchange, { status, headers, body, close = false }: LongAnswer): Promise<void> {
  const bytes = await encodeLongText(body);
  if (isGone(response) || response.headersSent) return;
  response.writeHead(status, { ...headers, "Content-Length": bytes.byteLength, ...(close ? { Connection: "close" } : {}) });
  if (request.method === "HEAD" || (await sendPieces(response, bytes))) endAnswer({ request, response, drain });
}

/** Ends an answer whose body was written, once the rest of the request has come (see respond). */
export function endAnswer(exchange: Exchange): void {
  const { request, response, drain } = exchange;
  if (request.complete) response.end();
  else drain(request, () => response.end());
}
