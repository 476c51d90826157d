/**
 * Decides when the cookie of an access token is accepted (S6), and finds it. Browsers send cookies automatically, so a cookie alone does not prove
 * that the user's own application sent the request.
 */
import { type AccessRequest, firstValue, type RequestHeaders } from "@/src/core/access/access-request";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { AppError } from "@/src/shared/errors";
import { OPAQUE_ORIGINS } from "@/src/shared/http/origins";
import { ACCESS_TOKEN_COOKIE, toAccessTokenCookie } from "@/src/shared/streams/protocol";

type Origins = Pick<ResolvedEndpoint["project"], "allowedOrigins">;
type Sender = Pick<AccessRequest, "origin" | "headers" | "publicUrl">;

/** A token from the request's cookies, and whether it is accepted only as long as the project lists the request's origin. */
export interface CookieToken {
  text: string;
  needsListedOrigin: boolean;
}

/** The token of the accepted cookie. Throws `access_token_missing` if there is none. If the origin is not listed, `detail` says which one to list. */
export function requireTokenCookie(project: Origins & { id: string }, sender: Sender): CookieToken {
  const text = findTokenCookie(sender.headers ?? {}, project.id);
  const isOwn = isSameOrigin(sender);
  if (!isOwn && !isListed(project, sender.origin))
    throw new AppError("access_token_missing", { detail: toDetail(sender.origin, text !== undefined) });
  if (text === undefined) throw new AppError("access_token_missing");
  return { text, needsListedOrigin: !isOwn };
}

/** The token of the accepted cookie, if there is one. */
export function findAcceptedCookie(project: Origins & { id: string }, sender: Sender): CookieToken | undefined {
  const text = findTokenCookie(sender.headers ?? {}, project.id);
  const isOwn = isSameOrigin(sender);
  return text !== undefined && (isOwn || isListed(project, sender.origin)) ? { text, needsListedOrigin: !isOwn } : undefined;
}

/** True if a cookie set by this response would be accepted again: the request comes from the server's own pages, a listed origin, or a program. */
export function areCookiesAccepted(project: Origins, sender: Sender): boolean {
  return isSameOrigin(sender) || isListed(project, sender.origin);
}

/**
 * True for an origin that the project lists. An empty list allows every origin but lists none. An opaque origin (`null`) can be allowed but never
 * listed.
 */
export function isListed({ allowedOrigins }: Origins, origin: string | undefined): origin is string {
  return origin !== undefined && allowedOrigins.has(origin.toLowerCase()) && !OPAQUE_ORIGINS.includes(origin.toLowerCase());
}

/**
 * True if the request comes from the server's own origin: as the client sees it (`x-forwarded-*` holds what TRUST_PROXY accepts), or as
 * RESTED_PUBLIC_URL says. Without an `Origin` header, `Sec-Fetch-Site` decides. All current browsers send it to https addresses; programs send
 * neither header.
 */
function isSameOrigin({ origin, headers = {}, publicUrl }: Sender): boolean {
  if (origin === undefined) {
    const site = firstValue(headers["sec-fetch-site"]);
    return site !== "cross-site" && site !== "same-site";
  }
  const sent = origin.toLowerCase();
  // A URL with a scheme other than http or https also has the origin "null".
  if (sent === "null") return false;
  if (sent === publicUrl) return true;
  const host = first(headers["x-forwarded-host"]) ?? firstValue(headers.host);
  const own = `${toHttpScheme(first(headers["x-forwarded-proto"]))}://${host}`;
  // A proxy may add the default port, which browsers omit.
  return host !== undefined && URL.canParse(own) && new URL(own).origin === sent;
}

/** Traefik forwards a WebSocket handshake as `wss` or `ws`, but the origin of a page is https or http. */
function toHttpScheme(forwarded = "http"): string {
  return forwarded.toLowerCase().replace(/^ws/, "http");
}

/** The project's own cookie takes precedence over the older one that all projects shared. */
function findTokenCookie(headers: RequestHeaders, projectId: string): string | undefined {
  const header = firstValue(headers.cookie);
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

/** The fix comes first: a stream's close reason is cut after 123 bytes. */
function toDetail(origin: string | undefined, hasCookie: boolean): string {
  if (!hasCookie && origin === undefined) return "This endpoint is secure. Log in first, or send the access token.";
  if (origin === undefined)
    return 'The cookie was ignored: another site sent this request without an Origin header. Use fetch, or crossorigin="use-credentials", on a page of a listed origin.';
  if (origin === "null") return "Send the access token as Authorization: Bearer. Cookies from an opaque origin (Origin: null) are ignored.";
  if (hasCookie) return `Add ${origin} to the project's allowed origins, or send the access token. Cookies from this origin are ignored.`;
  return `Log in first, or send the access token. To use the cookie, add ${origin} to the project's allowed origins.`;
}

/** Each proxy appends its own value, so the first is the one nearest to the client. */
function first(header: RequestHeaders[string]): string | undefined {
  return firstValue(header)?.split(",")[0]?.trim() || undefined;
}
