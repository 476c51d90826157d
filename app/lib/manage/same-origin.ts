/** Distinguishes requests of the dashboard's own pages from cross-site requests (G1). */
import { AppError } from "@/src/shared/errors";

export interface OriginFacts {
  method: string;
  headers: Headers;
  hosts: ReadonlySet<string>;
}

/** True if the browser reports that the request comes from another origin, including another port of the same host. */
export function isCrossSite({ method, headers, hosts }: OriginFacts): boolean {
  const site = headers.get("sec-fetch-site");
  // `none`: the user entered the address. For an unsafe method, that proves nothing.
  if (site !== null && site !== "same-origin" && !(site === "none" && isSafe(method))) return true;
  const origin = headers.get("origin");
  return origin !== null && !isOwnOrigin(origin, hosts);
}

/**
 * True if `Sec-Fetch-Site` or `Origin` proves that one of our own pages sent a request with an unsafe method. (Over plain HTTP, browsers send only `Origin`.) Safe
 * methods need no proof.
 */
export function isProvenSameOrigin({ method, headers, hosts }: OriginFacts): boolean {
  if (isCrossSite({ method, headers, hosts })) return false;
  return isSafe(method) || headers.get("sec-fetch-site") === "same-origin" || headers.get("origin") !== null;
}

/**
 * Creates the error for a cross-site request (see isCrossSite). If the browser does not report it as such, the request probably comes from our own page behind a proxy that
 * changes the host. The error then says what to configure, and is logged.
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

/** Compares only hosts, because the scheme differs behind a proxy that terminates TLS. */
function isOwnOrigin(origin: string, hosts: ReadonlySet<string>): boolean {
  return URL.canParse(origin) && hosts.has(new URL(origin).host);
}
