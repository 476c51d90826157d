/** What the server, or the way to it, says is wrong. It must not decide how that is shown. */
import type { ErrorCode, Problem } from "@/src/shared/errors";

export class RequestError extends Error {
  override readonly name = "RequestError";
  /** `unreachable`: no answer came; `unreadable`: one that is not ours, from a proxy say; `credentials_wrong`: next-auth refused a sign-in. */
  readonly code: ErrorCode | "unreachable" | "unreadable" | "credentials_wrong";
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** Problems by field path; empty when the problem is none of a field. */
  readonly fields: Readonly<Record<string, string>>;
  /** Names the entry in the server's log. */
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

/** Shown where something else than the server answered: a network with a sign-in page (captive portal), or a proxy. */
export const ANSWERED_ELSEWHERE =
  "A sign-in page of your network or of a proxy answered in the server’s place. Open this address in a new tab and sign in there.";

/** Whether this is the type of our answers, problems included. */
export function isJsonType(contentType: string | null): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(contentType ?? "");
}

/** Throws a RequestError `unreadable` for a page in place of an answer: the server's API never sends HTML. */
export function refusePage(response: Response): void {
  if (isPage(response)) throw toUnreadable(response);
}

function isPage(response: Response): boolean {
  return /^(?:text\/html|application\/xhtml)/i.test(response.headers.get("content-type") ?? "");
}

/** The body of a JSON answer; undefined for 204. Throws a RequestError: `unreadable` for anything else, `unreachable` when it breaks off. */
export async function readJson<Answer>(response: Response): Promise<Answer> {
  const isEmpty = response.status === 204;
  if (!isEmpty && !isJsonType(response.headers.get("content-type"))) throw toUnreadable(response);
  try {
    const body: Answer = isEmpty ? undefined : await response.json();
    return body;
  } catch (error) {
    throw error instanceof SyntaxError ? toUnreadable(response) : toUnreachable();
  }
}

function toUnreadable(response: Response): RequestError {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  return new RequestError({ code: "unreadable", status: response.status, requestId, detail: ANSWERED_ELSEWHERE });
}

/** Whether the server itself did not answer: the same request may succeed later. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof RequestError && (error.code === "unreachable" || error.code === "unreadable");
}

/** The error that an answer with a status of 400 or more carries. Reads the body. */
export async function readProblem(response: Response): Promise<RequestError> {
  const { status } = response;
  if (isPage(response)) return toUnreadable(response);
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const problem: Problem | null = response.headers.get("content-type")?.startsWith("application/problem+json")
    ? await response.json().catch(() => null)
    : null;
  if (problem) return new RequestError({ ...problem, status });
  return new RequestError({ code: "unreadable", status, requestId, detail: `The server answered with status ${status}. Try again.` });
}

/** The error of a request that got no answer. */
export function toUnreachable(): RequestError {
  return new RequestError({
    code: "unreachable",
    status: 0,
    requestId: undefined,
    detail: "The server could not be reached. Check your connection, then try again.",
  });
}

/** `error` as one that can be shown: a mistake of the page itself is one of no field. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const detail = "This page made a mistake. Reload it, then try again.";
  return new RequestError({ code: "internal_error", status: 0, requestId: undefined, detail });
}
