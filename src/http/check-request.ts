/** The checks that every request has to pass before it is given to a plane: its Host, its path, and whether the place takes a body (U12, U13). */
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { hasBody } from "@/src/http/limits";
import { isDataPath } from "@/src/shared/data-path";
import { AppError } from "@/src/shared/errors";

export interface RequestRules {
  /** The address that people use (RESTED_PUBLIC_URL); undefined: any host will do. */
  publicUrl: string | undefined;
  /** Paths outside of the API take no bodies; in development Next's own do. */
  pagesTakeBodies: boolean;
}

/** The path that load balancers and supervisors ask. */
export const HEALTH_PATH = "/api/health";

/** What pages and the management API take, one or the other of them. */
export const PAGE_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

const WHERE_APIS_ARE =
  "There is nothing at this address. Endpoints are at /api/1/ce/<endpoint>?key=<your key>, the management API is below /api/manage/.";

/** Below these, route handlers bound their bodies themselves. */
const API_PATH = /^\/api\/(?:auth|manage)\//;
const ANY_API_PATH = /^\/api(?:[/?]|$)/;
const MANAGE_PATH = /^\/api\/manage\//;
const HOST = /^[a-z0-9._~!$&'()*+,;=%:[\]-]*$/i;

/**
 * A request target in absolute form (RFC 9112, section 3.2.2) names the host itself: it replaces the Host header, and the target becomes its path.
 * Call it before anything reads either.
 */
export function toOriginForm(request: IncomingMessage): void {
  const { url = "/" } = request;
  if (url.startsWith("/") || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return;
  request.headers.host = new URL(url).host;
  const path = url.replace(/^https?:\/\/[^/?]*/i, "");
  request.url = path.startsWith("/") ? path : `/${path}`;
}

/** What is wrong with a request; undefined: nothing. Its forwarding headers must be true (see runtime/forwarded.ts). */
export function findRequestProblem(request: IncomingMessage, { publicUrl, pagesTakeBodies }: RequestRules): AppError | undefined {
  const { url = "/", headers } = request;
  const problem = findHostProblem(request) ?? findTargetProblem(url) ?? findPathProblem(url);
  if (problem || isDataPath(url) || url === HEALTH_PATH) return problem;
  // Next raises an error of its own at it, which would be answered and logged as one of the server.
  if (request.method === "TRACE")
    return new AppError("method_not_allowed", { detail: `This method is not supported here. Use one of: ${PAGE_METHODS}.` });
  if (publicUrl !== undefined && !isOwnHost(toHost(headers), publicUrl) && !isByToken(url, headers)) {
    const detail = `This server is reached at ${publicUrl}. Use that address, or set RESTED_PUBLIC_URL to the one that people use.`;
    return new AppError("host_not_allowed", { detail });
  }
  // Next would answer the same, at the cost of a page.
  if (ANY_API_PATH.test(url) && !API_PATH.test(url)) return new AppError("not_found", { detail: WHERE_APIS_ARE });
  if (!pagesTakeBodies && !API_PATH.test(url) && hasBody(request)) {
    return new AppError("body_too_large", { detail: "The body is too large: this address takes none." });
  }
  return undefined;
}

/** The host by which the client reaches the server, be it through a proxy; lowercase. */
export function toHost({ host, "x-forwarded-host": forwarded }: IncomingMessage["headers"]): string {
  const given = typeof forwarded === "string" ? forwarded : forwarded?.[0];
  return (given?.split(",")[0]?.trim() || host || "").toLowerCase();
}

/** True for `localhost` and addresses: no page of another site has such an origin, unless it is served from there. */
export function isLocalName(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name.endsWith(".localhost") || net.isIP(name) !== 0;
}

/** RFC 9112, section 3.2: exactly one Host, and one that can be a host. Node keeps the first of several, which another server might not. */
function findHostProblem({ rawHeaders, headers, httpVersion }: IncomingMessage): AppError | undefined {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  if (count > 1) return invalid("There is more than one Host header. Send one.");
  if (count === 0 && httpVersion === "1.1") return invalid("The Host header is missing. Send one.");
  return HOST.test(headers.host ?? "") ? undefined : invalid("The Host header is not a host.");
}

function findTargetProblem(url: string): AppError | undefined {
  return url.startsWith("/")
    ? undefined
    : invalid("The request's target is neither a path nor the address of one. Send a path, like /api/health.");
}

function findPathProblem(url: string): AppError | undefined {
  const questionMark = url.indexOf("?");
  const path = questionMark < 0 ? url : url.slice(0, questionMark);
  if (!path.includes("%")) return undefined;
  try {
    decodeURIComponent(path);
    return undefined;
  } catch {
    return invalid("The path has percent signs that do not encode UTF-8. Encode it as RFC 3986 has it.");
  }
}

/** Some proxies and programs name the port that the address has by default. */
function isOwnHost(host: string, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (host === own.host || isLocalName(host)) return true;
  const given = `${own.protocol}//${host}`;
  return URL.canParse(given) && new URL(given).host === own.host;
}

/** Programs in a network of containers use other names. A token is not sent by browsers by themselves, so no page gains by it. */
function isByToken(url: string, headers: IncomingMessage["headers"]): boolean {
  return MANAGE_PATH.test(url) && /^Bearer +\S/i.test(headers.authorization ?? "");
}

function invalid(detail: string): AppError {
  return new AppError("request_invalid", { detail });
}
