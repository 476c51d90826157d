/** CORS headers of the data plane (U5). Which origins are allowed is decided in core/access/access.ts. */
import type { IncomingHttpHeaders } from "node:http";
import type { HeaderList } from "@/src/http/reply/respond";
import { PREFLIGHT_SECONDS, toAllowedHeaders } from "@/src/shared/http/cors";
import { OPAQUE_ORIGINS } from "@/src/shared/http/origins";

/**
 * The facts known about the request's origin.
 * `listed`: the project lists it, so cookies count from there (S6).
 * `allowed`: the project allows every origin, or the master key was sent. Pages can read responses, but no cookies are sent or set.
 * `refused`: the project does not allow it.
 * `unknown`: the project was not found (key missing or unknown, name or version unknown, database unavailable). Such a response contains only the
 * catalogue's public text, and a developer should see it in the browser instead of "CORS error". So the origin is echoed, without credentials.
 */
export type OriginVerdict =
  | { kind: "none" }
  | { kind: "unknown"; origin: string }
  | { kind: "refused" }
  | { kind: "allowed"; origin: string }
  | { kind: "listed"; origin: string };

export const METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

const EXPOSED =
  "Authorization, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Link, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";
/** Allowed in every preflight, so that browsers that cache preflights send fewer of them. */
const KNOWN_HEADERS = [
  "Content-Type",
  "Authorization",
  "X-API-Key",
  "X-Master-Key",
  "If-Match",
  "If-None-Match",
  "If-Range",
  "Range",
  "Idempotency-Key",
  "Last-Event-ID",
];
const KEY_HEADER = /(?:^|,)[ \t]*x-api-key[ \t]*(?:,|$)/i;
/** The request headers that the response to a preflight depends on. */
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Private-Network";

/** Adds the CORS headers of every response to `headers`. Caches must know that responses depend on the origin, even if this one does not. */
export function addCorsHeaders(headers: HeaderList, verdict: OriginVerdict): void {
  headers.push("Vary", "Origin");
  if (verdict.kind === "none" || verdict.kind === "refused") return;
  headers.push("Access-Control-Allow-Origin", verdict.origin, "Access-Control-Expose-Headers", EXPOSED);
  if (verdict.kind === "listed") headers.push("Access-Control-Allow-Credentials", "true");
}

/**
 * The headers of a successful preflight, in addition to {@link addCorsHeaders}. Only what a project allows may be cached (or may be allowed, if the key is sent as a
 * header), and may reach a server in a private network from a public page (`Access-Control-Request-Private-Network`).
 */
export function toPreflightHeaders(verdict: OriginVerdict, asked: IncomingHttpHeaders): Record<string, string> {
  if (verdict.kind === "none" || verdict.kind === "refused") return {};
  const headers = {
    Vary: PREFLIGHT_VARY,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": toAllowedHeaders(asked["access-control-request-headers"], KNOWN_HEADERS),
  };
  if (verdict.kind === "unknown") {
    // A preflight has only the names of headers. A key in a header is not known yet, and the request itself is checked again.
    if (OPAQUE_ORIGINS.includes(verdict.origin) || !KEY_HEADER.test(asked["access-control-request-headers"] ?? "")) return headers;
    return { ...headers, "Access-Control-Max-Age": PREFLIGHT_SECONDS, "Access-Control-Allow-Credentials": "true" };
  }
  const isPrivate = asked["access-control-request-private-network"] === "true";
  return {
    ...headers,
    "Access-Control-Max-Age": PREFLIGHT_SECONDS,
    ...(isPrivate ? { "Access-Control-Allow-Private-Network": "true" } : {}),
  };
}
