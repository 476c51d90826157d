/** Turns an error into the answer of a route handler (E1), and logs what the client must not see. */
import type { Runtime } from "@/src/runtime/registry";
import { AppError, isAppError, toProblem } from "@/src/shared/errors";
import { ACCEPTED_CODINGS } from "@/src/shared/http/content-type";

/** For a 503 that names no time of its own. */
const UNAVAILABLE_RETRY_SECONDS = 2;

/** `req-` and 12 random hex digits, as the data plane has it. */
export function createRequestId(): string {
  return `req-${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** A problem document. Errors outside the catalogue become `internal_error`; `members` are added to the document. */
export function toProblemResponse({
  error: raised,
  request,
  requestId,
  log,
  members = {},
}: {
  error: unknown;
  request: Pick<Request, "signal">;
  requestId: string;
  log: Runtime["log"];
  members?: Readonly<Record<string, unknown>>;
}): Response {
  const error = isAppError(raised) ? raised : toAppError(raised, request);
  const { status } = error.entry;
  const context = { requestId, code: error.code, internal: error.internal, err: error.cause ?? error };
  if (error.code === "server_busy") log.warn({ requestId, code: error.code, detail: error.message }, "a management request was refused");
  else if (status >= 500) log.error(context, "a management request failed");
  else if (error.internal !== undefined) log.info(context, "a management request was refused");
  const headers = new Headers({
    "Content-Type": "application/problem+json; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Request-Id": requestId,
  });
  const retryAfterSeconds = error.retryAfterSeconds ?? (status === 503 ? UNAVAILABLE_RETRY_SECONDS : undefined);
  if (retryAfterSeconds !== undefined) headers.set("Retry-After", String(retryAfterSeconds));
  if (error.code === "content_encoding_unsupported") headers.set("Accept-Encoding", ACCEPTED_CODINGS);
  if (error.fileBytes !== undefined) headers.set("Content-Range", `bytes */${error.fileBytes}`);
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  return new Response(JSON.stringify({ ...toProblem(error, requestId), ...members }), { status, headers });
}

/** What waits for a turn, or for a body, is given up when the client goes: that is no failure of the server. */
function toAppError(cause: unknown, { signal }: Pick<Request, "signal">): AppError {
  if (signal.aborted) return new AppError("request_invalid", { detail: "The client has disconnected.", internal: String(cause), cause });
  return new AppError("internal_error", { cause });
}
