/** Responds to an upgrade request with an HTTP error. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { endSocket, toRawResponse } from "@/src/core/http/raw-response";
import { type AppError, toProblem } from "@/src/shared/errors";
import { createRequestId, PROBLEM_TYPE } from "@/src/shared/http/problem";

/**
 * Writes a problem document (E1) and ends the socket. `status` replaces the status of the error, and `headers` are added. Never throws, whatever state the socket
 * is in.
 */
export function refuseUpgrade(
  socket: Duplex,
  error: AppError,
  { status = error.entry.status, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): void {
  const requestId = createRequestId();
  const problem = {
    "Content-Type": PROBLEM_TYPE,
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
    ...(error.retryAfterSeconds === undefined ? {} : { "Retry-After": String(error.retryAfterSeconds) }),
  };
  const body = JSON.stringify({ ...toProblem(error, requestId), status });
  endSocket(socket, toRawResponse({ status, reason: STATUS_CODES[status], headers: { ...problem, ...headers }, body }));
}
