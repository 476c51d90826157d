/** Sends responses, and keeps the connection usable if the request was not read to its end. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { hasBody } from "@/src/http/limits";
import { isClosed } from "@/src/http/reply/answered";
import { encodeLongText, PIECE_BYTES, sendPieces } from "@/src/http/reply/send-pieces";
import type { Drain } from "@/src/http/server/drain";

/** A request and its response. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Drops the rest of a refused body, so that its sender can read the response. */
  drain: Drain;
  /** Called when the head of the response is sent, with its status and the bytes of its body. Absent: the response is not counted. */
  onHead?(status: number, bytes: number): void;
  /** Called with the bytes of a body whose length was not known when its head was sent. */
  onBytes?(bytes: number): void;
}

/**
 * Names and values in turn, as `writeHead` takes them. Building a list is much cheaper than copying objects, in particular on Node.js 20. No name may occur
 * twice.
 */
export type HeaderList = string[];

export interface Answer {
  status: number;
  /** A list is consumed: `respond` adds to it. */
  headers: OutgoingHttpHeaders | HeaderList;
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
  const { body } = answer;
  const length = body === undefined ? undefined : Buffer.byteLength(body);
  writeHead(response, answer, length);
  exchange.onHead?.(answer.status, length ?? 0);
  // A string and not a Buffer, because Node.js then sends head and body in one piece.
  if (hasArrived(request)) {
    response.end(body);
    return;
  }
  // The response is complete for the client at once, but ended only after the rest of the request has arrived: ending with `Connection: close` would close the socket
  // with unread data, which resets the connection and can lose the response.
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  exchange.drain(request, () => response.end());
}

/** Sends the status line and the headers with the next piece of the body. `length`: of the body, in bytes. Undefined: there is none. */
function writeHead(response: ServerResponse, { status, headers, close = false }: Answer, length: number | undefined): void {
  if (Array.isArray(headers)) {
    if (length !== undefined) headers.push("Content-Length", String(length));
    if (close) headers.push("Connection", "close");
    response.writeHead(status, headers);
  } else {
    response.writeHead(status, {
      ...headers,
      ...(length === undefined ? {} : { "Content-Length": length }),
      ...(close ? { Connection: "close" } : {}),
    });
  }
}

/** Never rejects. It ends if the client disconnects. */
async function respondLong(exchange: Exchange, answer: LongAnswer): Promise<void> {
  const { request, response, drain } = exchange;
  const bytes = await encodeLongText(answer.body);
  if (isClosed(response) || response.headersSent) return;
  writeHead(response, answer, bytes.byteLength);
  exchange.onHead?.(answer.status, bytes.byteLength);
  if (request.method === "HEAD" || (await sendPieces(response, bytes))) endAnswer({ request, response, drain });
}

/** Ends a response whose body was written, after the rest of the request has arrived (see respond). */
export function endAnswer(exchange: Exchange): void {
  const { request, response, drain } = exchange;
  if (hasArrived(request)) response.end();
  else drain(request, () => response.end());
}

/** True if nothing of the request is left to read. Node.js sets `complete` only after the head was handled, although a request without a body has arrived with it. */
function hasArrived(request: IncomingMessage): boolean {
  return request.complete || !hasBody(request);
}
