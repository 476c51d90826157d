/** Turns an error into the response of a route handler (E1), and logs what the client must not see. */
import type { Runtime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import { formatProblem } from "@/src/shared/http/problem";

/** Returns a problem document. Errors outside the catalogue become `internal_error`. `members` are added to the document. */
export function toProblemResponse({
  error: raised,
  request,
  requestId,
  log,
  members,
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
  const problem = formatProblem(error, requestId, members);
  const headers = new Headers({
    ...problem.headers,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Request-Id": requestId,
  });
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  return new Response(problem.body, { status, headers });
}

/** A request that waits for a turn or a body is given up if the client disconnects. That is not a failure of the server. */
function toAppError(cause: unknown, { signal }: Pick<Request, "signal">): AppError {
  if (signal.aborted) return new AppError("request_invalid", { detail: "The client has disconnected.", internal: String(cause), cause });
  return new AppError("internal_error", { cause });
}
