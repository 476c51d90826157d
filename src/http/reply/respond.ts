/** Sends responses, and keeps the connection usable if the request was not read to its end. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { isClosed } from "@/src/http/reply/answered";
import { encodeLongText, PIECE_BYTES, sendPieces } from "@/src/http/reply/send-pieces";
import type { Drain } from "@/src/http/server/drain";

/** A request and its response. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Drops the rest of a refused body, so that its sender can read the response. */
  drain: Drain;
}

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  /** Undefined: no content. */
  body?: string;
  /** Closes the connection afterwards, because the rest of the request is not worth reading. */
  close?: boolean;
}

type LongAnswer = Answer & { body: string };

/** Sends a whole response. Does nothing if the client has disconnected. */
export function respond(exchange: Exchange, answer: Answer): void {
  const { request, response } = exchange;
  if (isClosed(response) || response.headersSent) return;
  if (answer.body !== undefined && answer.body.length > PIECE_BYTES) {
    void respondLong(exchange, { ...answer, body: answer.body });
    return;
  }
  const { status, headers, body, close = false } = answer;
  // A string and not a Buffer, because Node.js then sends head and body in one piece.
  response.writeHead(status, {
    ...headers,
    ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
    ...(close ? { Connection: "close" } : {}),
  });
  if (request.complete) {
    response.end(body);
    return;
  }
  // The response is complete for the client at once, but ended only after the rest of the request has arrived: ending with `Connection: close` would close the socket
  // with unread data, which resets the connection and can lose the response.
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  exchange.drain(request, () => response.end());
}

/** Never rejects. It ends if the client disconnects. */
async function respondLong({ request, response, drain }: Exchange, { status, headers, body, close = false }: LongAnswer): Promise<void> {
  const bytes = await encodeLongText(body);
  if (isClosed(response) || response.headersSent) return;
  response.writeHead(status, { ...headers, "Content-Length": bytes.byteLength, ...(close ? { Connection: "close" } : {}) });
  if (request.method === "HEAD" || (await sendPieces(response, bytes))) endAnswer({ request, response, drain });
}

/** Ends a response whose body was written, after the rest of the request has arrived (see respond). */
export function endAnswer(exchange: Exchange): void {
  const { request, response, drain } = exchange;
  if (request.complete) response.end();
  else drain(request, () => response.end());
}
