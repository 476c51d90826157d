/** CORS headers of the data plane (U5). It must not decide which origins are allowed; access.ts does. */
import type { IncomingHttpHeaders } from "node:http";
import { PREFLIGHT_SECONDS, toAllowedHeaders } from "@/src/shared/http/cors";
import { OPAQUE_ORIGINS } from "@/src/shared/http/origins";

/**
 * What is known of the request's origin.
 * `listed`: the located project names it, so that cookies count from there (S6). `allowed`: the project allows every origin, or the master key was
 * sent: answers can be read, but no cookies are sent or set. `refused`: the project does not allow it.
 * `unknown`: no project was located (no or unknown key, unknown name or version, database away). Such an answer holds nothing but the
 * catalogue's public text, and a developer should read it in the browser rather than "CORS error"; so the origin is echoed, but without
 * credentials.
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
/** Allowed in every preflight, so that a browser that remembers one asks less often. */
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
/** What the answer to a preflight depends on. */
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Private-Network";

/** The headers of every answer: caches must know that it depends on the origin, even when this one does not. */
export function toCorsHeaders(verdict: OriginVerdict): Record<string, string> {
  switch (verdict.kind) {
    case "none":
    case "refused":
      return { Vary: "Origin" };
    case "unknown":
    case "allowed":
      return { Vary: "Origin", "Access-Control-Allow-Origin": verdict.origin, "Access-Control-Expose-Headers": EXPOSED };
    case "listed":
      return {
        Vary: "Origin",
        "Access-Control-Allow-Origin": verdict.origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": EXPOSED,
      };
  }
}

/**
 * The headers of an answered preflight, on top of {@link toCorsHeaders}. Only what a project allows may be cached (or what it will be asked for, where
 * the key comes as a header), and may reach a server of a private
 * network from a page of the public one (`Access-Control-Request-Private-Network`).
 */
export function toPreflightHeaders(verdict: OriginVerdict, asked: IncomingHttpHeaders): Record<string, string> {
  if (verdict.kind === "none" || verdict.kind === "refused") return {};
  const headers = {
    Vary: PREFLIGHT_VARY,
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": toAllowedHeaders(asked["access-control-request-headers"], KNOWN_HEADERS),
  };
  if (verdict.kind === "unknown") {
    // Of headers a preflight has the names alone. A key that comes in one is not known yet, and the request itself is checked again.
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
