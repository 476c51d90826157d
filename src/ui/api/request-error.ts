/** Errors of requests to the server. How they are displayed is up to the caller. */
import type { ErrorCode, Problem } from "@/src/shared/errors";

export class RequestError extends Error {
  override readonly name = "RequestError";
  /** `unreachable`: no response. `unreadable`: a response that is not from the server, for example from a proxy. `credentials_wrong`: next-auth rejected a sign-in. */
  readonly code: ErrorCode | "unreachable" | "unreadable" | "credentials_wrong";
  /** HTTP status; 0 if there was no response. */
  readonly status: number;
  /** Problems by field path; empty if the problem does not concern a field. */
  readonly fields: Readonly<Record<string, string>>;
  /** Identifies the entry in the server's log. */
  readonly requestId: string | undefined;

  constructor(
    problem: Pick<RequestError, "code" | "status" | "requestId"> & { detail: string; fields?: Readonly<Record<string, string>> },
  ) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
    this.fields = problem.fields ?? {};
    this.requestId = problem.requestId;
  }
}

/** Shown if something other than the server responded: a network with a sign-in page (captive portal), or a proxy. */
export const INTERCEPTED =
  "A sign-in page of your network or of a proxy responded instead of the server. Open this address in a new tab and sign in there.";

/** True for the content types of the API's responses, including problems. */
export function isJsonType(contentType: string | null): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType ?? "");
}

/** Throws a RequestError `unreadable` for an HTML page: the API never sends HTML. */
export function rejectPage(response: Response): void {
  if (isPage(response)) throw toUnreadable(response);
}

function isPage(response: Response): boolean {
  return /^(?:text\/html|application\/xhtml)/i.test(response.headers.get("content-type") ?? "");
}

/** The body of a JSON response; undefined for 204. Throws a RequestError: `unreadable` for anything else, `unreachable` if the body is truncated. */
export async function readJson<Body>(response: Response): Promise<Body> {
  const isEmpty = response.status === 204;
  if (!isEmpty && !isJsonType(response.headers.get("content-type"))) throw toUnreadable(response);
  try {
    const body: Body = isEmpty ? undefined : await response.json();
    return body;
  } catch (error) {
    throw error instanceof SyntaxError ? toUnreadable(response) : toUnreachable();
  }
}

function toUnreadable(response: Response): RequestError {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  return new RequestError({ code: "unreadable", status: response.status, requestId, detail: INTERCEPTED });
}

/** True if the response is not from the server. The same request may succeed later. */
export function isTransportError(error: unknown): boolean {
  return error instanceof RequestError && (error.code === "unreachable" || error.code === "unreadable");
}

/** The error in a response with a status of 400 or more. Reads the body. */
export async function readProblem(response: Response): Promise<RequestError> {
  const { status } = response;
  if (isPage(response)) return toUnreadable(response);
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const problem: Problem | null = response.headers.get("content-type")?.startsWith("application/problem+json")
    ? await response.json().catch(() => null)
    : null;
  if (problem) return new RequestError({ ...problem, status });
  return new RequestError({ code: "unreadable", status, requestId, detail: `The server responded with status ${status}. Try again.` });
}

/** The error of a request without a response. */
export function toUnreachable(): RequestError {
  return new RequestError({
    code: "unreachable",
    status: 0,
    requestId: undefined,
    detail: "Couldn’t reach the server. Check your connection, then try again.",
  });
}

/** `error` as a RequestError that can be displayed. Bugs of the page become `internal_error`. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const detail = "Something went wrong on this page. Reload it, then try again.";
  return new RequestError({ code: "internal_error", status: 0, requestId: undefined, detail });
}
