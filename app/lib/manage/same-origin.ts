/** Tells requests of the dashboard's own pages from those that other sites make a browser send (G1). */
import { AppError } from "@/src/shared/errors";

export interface OriginFacts {
  method: string;
  headers: Headers;
  hosts: ReadonlySet<string>;
}

/** True when a browser says that the request comes from elsewhere, be it another port of the same host. */
export function isCrossSite({ method, headers, hosts }: OriginFacts): boolean {
  const site = headers.get("sec-fetch-site");
  // `none`: the address bar. A page can't make it happen with an unsafe method, but for those it proves nothing either.
  if (site !== null && site !== "same-origin" && !(site === "none" && isSafe(method))) return true;
  const origin = headers.get("origin");
  return origin !== null && !isOwnOrigin(origin, hosts);
}

/**
 * True when a request with an unsafe method proves that a page of ours sent it, by `Sec-Fetch-Site` or `Origin` (which browsers over plain
 * HTTP send alone). Safe methods need no proof.
 */
export function isProvenSameOrigin({ method, headers, hosts }: OriginFacts): boolean {
  if (isCrossSite({ method, headers, hosts })) return false;
  return isSafe(method) || headers.get("sec-fetch-site") === "same-origin" || headers.get("origin") !== null;
}

/**
 * The error for a request that is cross-site (see isCrossSite). Where the browser does not say that itself, it is likely a page of ours behind a proxy that
 * changes the host: then the error says what to set, and is logged.
 */
export function createCrossSiteError({ headers, hosts }: Pick<OriginFacts, "headers" | "hosts">): AppError {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (origin === null || !URL.canParse(origin) || isOwnOrigin(origin, hosts) || (site !== null && site !== "same-origin"))
    return new AppError("cross_site_request");
  const detail =
    `The request comes from a page at ${new URL(origin).origin}, but reached the server as ${[...hosts].join(", ")}. ` +
    "If that page is this dashboard behind a proxy, set RESTED_PUBLIC_URL to its address, or set TRUST_PROXY and let the proxy send X-Forwarded-Host.";
  return new AppError("cross_site_request", { detail, internal: "the origin is not the host" });
}

function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Compares hosts alone: behind a proxy that ends TLS the scheme differs. */
function isOwnOrigin(origin: string, hosts: ReadonlySet<string>): boolean {
  return URL.canParse(origin) && hosts.has(new URL(origin).host);
}
