/** When an access token's cookie counts (S6), and where it is found. Browsers add cookies by themselves, so a cookie alone does not prove that the user's own application sent the request. */
import { type AccessRequest, one, type RequestHeaders } from "@/src/core/access/access-request";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { AppError } from "@/src/shared/errors";
import { OPAQUE_ORIGINS } from "@/src/shared/http/origins";
import { ACCESS_TOKEN_COOKIE, toAccessTokenCookie } from "@/src/shared/streams/protocol";

type Origins = Pick<ResolvedEndpoint["project"], "allowedOrigins">;
type Sender = Pick<AccessRequest, "origin" | "headers" | "publicUrl">;

/** A token from the request's cookies, and whether it counts only as long as the project lists the request's origin. */
export interface CookieToken {
  text: string;
  needsListedOrigin: boolean;
}

/**
 * The token of the cookie that counts. Throws `access_token_missing` where there is none; `detail` says which origin to list, where that is what
 * is missing.
 */
export function requireTokenCookie(project: Origins & { id: string }, sender: Sender): CookieToken {
  const text = findTokenCookie(sender.headers ?? {}, project.id);
  const isOwn = isSameOrigin(sender);
  if (!isOwn && !isListed(project, sender.origin))
    throw new AppError("access_token_missing", { detail: toDetail(sender.origin, text !== undefined) });
  if (text === undefined) throw new AppError("access_token_missing");
  return { text, needsListedOrigin: !isOwn };
}

/** True where a cookie that is set by this request's answer would be read again: a page of the server's own, a listed origin, or a program. */
export function doCookiesCount(project: Origins, sender: Sender): boolean {
  return isSameOrigin(sender) || isListed(project, sender.origin);
}

/** True for an origin that the project lists. An empty list allows every origin, and lists none; an opaque origin (`null`) may be allowed, but not listed. */
export function isListed({ allowedOrigins }: Origins, origin: string | undefined): origin is string {
  return origin !== undefined && allowedOrigins.has(origin.toLowerCase()) && !OPAQUE_ORIGINS.includes(origin.toLowerCase());
}

/**
 * True when the request comes from the server's own origin, as the client sees it (`x-forwarded-*` holds what TRUST_PROXY believes) or as
 * RESTED_PUBLIC_URL says. Without an `Origin` header `Sec-Fetch-Site` decides, which every current browser sends to https addresses; programs send
 * neither.
 */
function isSameOrigin({ origin, headers = {}, publicUrl }: Sender): boolean {
  if (origin === undefined) {
    const site = one(headers["sec-fetch-site"]);
    return site !== "cross-site" && site !== "same-site";
  }
  const sent = origin.toLowerCase();
  // An address with a scheme that is not the web's has this origin, too.
  if (sent === "null") return false;
  if (sent === publicUrl) return true;
  const host = first(headers["x-forwarded-host"]) ?? one(headers.host);
  const own = `${toHttpScheme(first(headers["x-forwarded-proto"]))}://${host}`;
  // A proxy may name the port that browsers leave out.
  return host !== undefined && URL.canParse(own) && new URL(own).origin === sent;
}

/** Traefik forwards the handshake of a WebSocket as `wss` or `ws`; pages have an origin of https or http. */
function toHttpScheme(forwarded = "http"): string {
  return forwarded.toLowerCase().replace(/^ws/, "http");
}

/** The project's own cookie goes before the one that all projects shared. */
function findTokenCookie(headers: RequestHeaders, projectId: string): string | undefined {
  const header = one(headers.cookie);
  if (!header?.includes(ACCESS_TOKEN_COOKIE)) return undefined;
  const own = toAccessTokenCookie(projectId);
  let shared: string | undefined;
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? "" : pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    if (name === own && value !== "") return value;
    if (name === ACCESS_TOKEN_COOKIE && value !== "") shared ??= value;
  }
  return shared;
}

/** The fix stands first: a stream's close reason keeps only the first 123 bytes. */
function toDetail(origin: string | undefined, hasCookie: boolean): string {
  if (!hasCookie && origin === undefined) return "This endpoint is secure. Log in first, or send the access token.";
  if (origin === undefined)
    return 'The cookie was ignored: another resolved sent this request without an Origin header. Use fetch, or crossorigin="use-credentials", on a page of a listed origin.';
  if (origin === "null") return "Send the access token as Authorization: Bearer. Cookies never count from an opaque origin (Origin: null).";
  if (hasCookie) return `List ${origin} in the project's allowed origins, or send the access token: its cookie is ignored.`;
  return `Log in first, or send the access token. For a cookie, list ${origin} in the project's allowed origins.`;
}

/** Each proxy appends its own; the first is the one nearest to the client. */
function first(header: RequestHeaders[string]): string | undefined {
  return one(header)?.split(",")[0]?.trim() || undefined;
}
