/** Responds to an upgrade request with an HTTP error. */
import { randomBytes } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type AppError, toProblem } from "@/src/shared/errors";

/** How long a client may take to read the response and close the connection. */
const LINGER_MS = 2_000;

/**
 * Writes a problem document (E1) and ends the socket. `status` replaces the status of the error, and `headers` are added. Never throws, whatever state the socket
 * is in.
 */
export function refuseUpgrade(
  socket: Duplex,
  error: AppError,
  { status = error.entry.status, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): void {
  const requestId = `req-${randomBytes(6).toString("hex")}`;
  const body = JSON.stringify({ ...toProblem(error, requestId), status });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    "Content-Type: application/problem+json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    `X-Request-Id: ${requestId}`,
    ...(error.retryAfterSeconds === undefined ? [] : [`Retry-After: ${error.retryAfterSeconds}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on("error", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  // Further bytes of the client are read and dropped. Closing with unread data would reset the connection, and the response would be lost.
  socket.resume();
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
