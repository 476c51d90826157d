/** Responds to input that is not a valid HTTP request, on the bare socket (the `clientError` event of Node.js). Never throws. */
import { ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { endSocket, toRawResponse } from "@/src/core/http/raw-response";
import type { Log } from "@/src/core/log";
import { API_METHODS } from "@/src/http/check-request";
import { AppError } from "@/src/shared/errors";
import { createRequestId, formatProblem } from "@/src/shared/http/problem";

const REQUEST_LINE = /^(?:\r?\n)*[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/1\.[01]\r?\n/;

/** The body of a request arrives too slowly, or not in time. */
export class SlowBodyError extends Error {
  /** The code that Node.js uses for a request that does not arrive in time. */
  readonly code = "ERR_HTTP_REQUEST_TIMEOUT";
}

/** Creates the listener for `server.on("clientError", …)`. It responds with 431, 408 or 400 as a problem document (E1) and ends the connection. */
export function createClientErrorHandler({ log }: { log: Pick<Log, "debug"> }): (error: Error, socket: Duplex) => void {
  // For the same parser, everything after the mistake is a mistake again. It is read and dropped.
  const answered = new WeakSet<Duplex>();
  return (error, socket) => {
    if (answered.has(socket)) return;
    answered.add(socket);
    const code = codeOf(error);
    if (code === "ECONNRESET" || code === "EPIPE" || !socket.writable) {
      socket.destroy();
      return;
    }
    log.debug({ code }, "a request could not be parsed");
    // The mistake can be in a body that is not read any more. The response that was started is sent to its end.
    if (isAnswering(socket)) endSocket(socket);
    else if (isUnknownMethod(error, code)) endWithProblem(socket, new AppError("method_not_allowed"), { Allow: API_METHODS });
    else endWithProblem(socket, toAppError(code));
  };
}

/** Writes a problem document (E1) to a socket that has no response object, and ends the connection. */
export function endWithProblem(socket: Duplex, error: AppError, headers: Readonly<Record<string, string>> = {}): void {
  endSocket(socket, toRawAnswer(error, headers));
}

/** Node's parser accepts only methods that it knows, and reports a head with another method as invalid. */
function isUnknownMethod(error: Error, code: string): boolean {
  const packet = "rawPacket" in error ? error.rawPacket : undefined;
  return code === "HPE_INVALID_METHOD" && packet instanceof Uint8Array && REQUEST_LINE.test(Buffer.from(packet).toString("latin1"));
}

function toAppError(code: string): AppError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new AppError("headers_too_large");
    case "HPE_PAUSED_H2_UPGRADE":
      return new AppError("request_invalid", { detail: "HTTP/2 is not supported. Use HTTP/1.1." });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new AppError("body_timeout", { detail: "The request did not arrive in time. Send it again." });
    default:
      return new AppError("request_invalid");
  }
}

/** The text of a problem document (E1) with its head, for a socket that has no response object. The connection must be closed after it. */
export function toRawAnswer(error: AppError, extraHeaders: Readonly<Record<string, string>> = {}): string {
  const requestId = createRequestId();
  const { status, headers, body } = formatProblem(error, requestId);
  return toRawResponse({
    status,
    reason: STATUS_CODES[status],
    headers: {
      ...headers,
      ...extraHeaders,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "X-Request-Id": requestId,
      Date: new Date().toUTCString(),
    },
    body,
  });
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function isAnswering(socket: Duplex): boolean {
  return findCurrentResponse(socket)?.headersSent === true;
}

/** The response that a connection is sending. Node.js keeps it in an undocumented property, which its own error handler reads too. */
export function findCurrentResponse(socket: Duplex): ServerResponse | undefined {
  const message: unknown = Reflect.get(socket, "_httpMessage");
  return message instanceof ServerResponse ? message : undefined;
}
