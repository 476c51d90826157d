/**
 * Keeps the page while the server does not respond, and when the session has ended. Next.js would load the next page in full, and the browser would
 * show its own error page, or the sign-in page. Instead, the requests of the router wait until the server responds or the user has signed in (ADR 52).
 */
import { RequestError } from "../api/request-error";
import { isFromGateway, untilServerIsBack } from "../api/server-state";
import { withSession } from "../api/session";

let isInstalled = false;

/** Wraps `fetch` for the requests of the router. Other requests are not changed. */
export function keepPageWithoutServer(): void {
  if (isInstalled) return;
  isInstalled = true;
  const send = window.fetch.bind(window);
  window.fetch = (input, init) => {
    if (!isNavigation(init)) return send(input, init);
    return withSession("ask", () => navigate(() => send(input, init)), init?.signal);
  };
}

/** Requests of the router for a page that is opened now. */
function isNavigation(init: RequestInit | undefined): boolean {
  const headers = new Headers(init?.headers);
  return headers.has("RSC") && !headers.has("Next-Router-Prefetch") && (init?.method ?? "GET") === "GET";
}

async function navigate(send: () => Promise<Response>): Promise<Response> {
  for (;;) {
    try {
      const response = await send();
      if (isSignInPage(response)) break;
      if (!isFromGateway(response)) return response;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
    }
    await untilServerIsBack();
  }
  throw new RequestError({ code: "session_missing", status: 401, requestId: undefined, detail: "Your session ended." });
}

/** proxy.ts redirects requests without a session cookie to the sign-in page. */
function isSignInPage({ redirected, url }: Response): boolean {
  return redirected && new URL(url).pathname === "/login";
}
