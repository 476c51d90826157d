/** Starts and ends the dashboard session through next-auth's routes. next-auth's own client would hide how long to wait after too many attempts. */
import { RequestError, readJson, readProblem, toUnreachable } from "./request-error";

/** Throws RequestError: `credentials_wrong`, or `rate_limited`, whose message says how long to wait. */
export async function signIn({ email, password }: { email: string; password: string }): Promise<void> {
  const response = await post("/api/auth/callback/credentials", { email, password });
  if (response.status === 401) {
    throw new RequestError({
      code: "credentials_wrong",
      status: 401,
      requestId: response.headers.get("x-request-id") ?? undefined,
      detail: "Incorrect e-mail or password.",
    });
  }
  if (!response.ok) throw await readProblem(response);
  await readJson(response);
}

/** Ends this session in the browser and on the server. */
export async function signOut(): Promise<void> {
  const response = await post("/api/auth/signout", {});
  if (!response.ok) throw await readProblem(response);
  await readJson(response);
}

/**
 * Goes to a page with the session as it is now. The page is loaded in full, so that nothing of another account stays in memory. Never settles:
 * the form stays busy until the page is left.
 */
export function enter(path: string): Promise<never> {
  window.location.assign(path);
  return new Promise(() => undefined);
}

async function post(path: string, fields: Readonly<Record<string, string>>): Promise<Response> {
  const unreachable = () => Promise.reject(toUnreachable());
  const issued = await fetch("/api/auth/csrf", { credentials: "same-origin", cache: "no-store" }).catch(unreachable);
  if (!issued.ok) throw await readProblem(issued);
  const { csrfToken } = await readJson<{ csrfToken: string }>(issued);
  return fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...fields, csrfToken, json: "true" }),
  }).catch(unreachable);
}
