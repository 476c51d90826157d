/**
 * Keeps the page while the server does not respond. Next.js would load the next page in full, and the browser would show its own error page. Instead,
 * the requests of the router wait until the server responds (ADR 52).
 */
import { isFromGateway, untilServerIsBack } from "../api/server-state";

let isInstalled = false;

/** Wraps `fetch` for the requests of the router. Other requests are not changed. */
export function keepPageWithoutServer(): void {
  if (isInstalled) return;
  isInstalled = true;
  const send = window.fetch.bind(window);
  window.fetch = (input, init) => (isNavigation(init) ? navigate(() => send(input, init)) : send(input, init));
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
      if (!isFromGateway(response)) return response;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
    }
    await untilServerIsBack();
  }
}
