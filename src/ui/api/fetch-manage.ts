/** Sends requests to the management API in the session of the page's account. */
import { readProblem, rejectPage, toUnreachable } from "./request-error";
import { isFromGateway, untilServerIsBack } from "./server-state";
import { ACCOUNT_HEADER, getExpectedAccount, type SessionMode, withSession } from "./session";

export interface ManageRequest extends RequestInit {
  /** Default: `wait` for GET and HEAD, otherwise `ask`. */
  session?: SessionMode;
}

/** The successful response. `path` is relative to `/api/manage/`. Throws RequestError, and what aborts the request. */
export function fetchManage(path: string, { session, ...init }: ManageRequest = {}): Promise<Response> {
  const mode = session ?? (/^(?:GET|HEAD)$/.test(init.method ?? "GET") ? "wait" : "ask");
  return withSession(mode, () => send(path, init), init.signal);
}

/** The headers of all requests to the management API. */
export function toAccountHeaders(): Record<string, string> {
  const account = getExpectedAccount();
  return account ? { [ACCOUNT_HEADER]: account.id } : {};
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(toAccountHeaders())) headers.set(name, value);
  const response = await fetch(`/api/manage/${path}`, { credentials: "same-origin", cache: "no-store", ...init, headers }).catch(
    (error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      void untilServerIsBack();
      throw toUnreachable();
    },
  );
  if (isFromGateway(response)) void untilServerIsBack();
  if (!response.ok) throw await readProblem(response);
  rejectPage(response);
  return response;
}
