/** The checks that every request has to pass before it is given to a plane: its Host, its path, and whether the place takes a body (U12, U13). */
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { hasBody } from "@/src/http/limits";
import { AppError } from "@/src/shared/errors";
import { isDataPath } from "@/src/shared/streams/data-path";

export interface RequestRules {
  /** The address that people use (RESTED_PUBLIC_URL); undefined: any host will do. */
  publicUrl: string | undefined;
  /** Paths outside of the API take no bodies; in development Next's own do. */
  pagesTakeBodies: boolean;
}

/** The path that load balancers and supervisors ask. */
const HEALTH_PATH = "/api/health";

/** What the management API takes, one or the other of its addresses. */
export const API_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/** What pages and the health check take. */
const READ_METHODS = "GET, HEAD, OPTIONS";
const SLASH = "/".charCodeAt(0);
/** Next's resizer of images, which no page uses. */
const IMAGE_PATH = /^\/_next\/image(?:$|[?/])/;

const WHERE_APIS_ARE =
  "Nothing was found at this address. Endpoints are at /api/1/ce/<endpoint>?key=<your key>, and the management API is below /api/manage/.";

/** Below these, route handlers bound their bodies themselves. */
const API_PATH = /^\/api\/(?:auth|manage)\//;
const ANY_API_PATH = /^\/api(?:[/?]|$)/;
const MANAGE_PATH = /^\/api\/manage\//;
const HOST = /^[a-z0-9._~!$&'()*+,;=%:[\]-]*$/i;

/**
 * Brings a request's target into one form. One in absolute form (RFC 9112, section 3.2.2) names the host itself: it replaces the Host header, and the
 * target becomes its path. Slashes too many, in front and behind addresses of the API, are dropped.
 * Call it before anything reads either.
 */
export function toOriginForm(request: IncomingMessage): void {
  const { url = "/" } = request;
  if (url.startsWith("/")) {
    request.url = withoutExtraSlashes(url);
    return;
  }
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return;
  request.headers.host = new URL(url).host;
  const path = url.replace(/^https?:\/\/[^/?]*/i, "");
  request.url = withoutExtraSlashes(path.startsWith("/") ? path : `/${path}`);
}

/** Clients that join a base address and a path send `//api/…`, or a slash at the end. No address has either. */
function withoutExtraSlashes(url: string): string {
  const target = url.startsWith("//") ? url.replace(/^\/+/, "/") : url;
  const questionMark = target.indexOf("?");
  const end = questionMark < 0 ? target.length : questionMark;
  if (target.charCodeAt(end - 1) !== SLASH || !target.startsWith("/api/")) return target;
  return target.slice(0, end).replace(/\/+$/, "") + target.slice(end);
}

/** True for the health check's address, with a query or without. */
export function isHealthPath(url: string): boolean {
  return url.startsWith(HEALTH_PATH) && (url.length === HEALTH_PATH.length || url[HEALTH_PATH.length] === "?");
}

/** What is wrong with a request; undefined: nothing. Its forwarding headers must be true (see runtime/web/forwarded.ts). */
export function findRequestProblem(request: IncomingMessage, { publicUrl, pagesTakeBodies }: RequestRules): AppError | undefined {
  const { url = "/", headers } = request;
  if (request.method === "OPTIONS" && url === "*") return findHeaderProblem(request);
  const problem = findFormProblem(request);
  if (problem || isDataPath(url)) return problem;
  if (isHealthPath(url)) return toMethodProblem(request, READ_METHODS);
  // Next answers the others without a problem document, and logs an error of its own at TRACE.
  const unknown = toMethodProblem(request, API_METHODS);
  if (unknown) return unknown;
  if (publicUrl !== undefined && !isOwnHost(toHost(headers), publicUrl) && !isByToken(url, headers)) {
    const detail = `The address of this server is ${publicUrl}. Use it, or set RESTED_PUBLIC_URL to the address that people use.`;
    return new AppError("host_not_allowed", { detail });
  }
  // Next would answer the same, at the cost of a page.
  if (ANY_API_PATH.test(url) && !API_PATH.test(url)) return new AppError("not_found", { detail: WHERE_APIS_ARE });
  if (!pagesTakeBodies && !API_PATH.test(url) && hasBody(request)) {
    return new AppError("body_too_large", { detail: "The body is too large: this address does not accept a body." });
  }
  if (!pagesTakeBodies && IMAGE_PATH.test(url)) return new AppError("not_found");
  // Next would run pages for every method, and log what it takes for a server action that fails.
  return pagesTakeBodies || API_PATH.test(url) ? undefined : toMethodProblem(request, READ_METHODS);
}

/** The methods that an address has, by what it is; for `Allow`. */
export function toAllowedMethods(url: string): string {
  return url === "*" || API_PATH.test(url) ? API_METHODS : READ_METHODS;
}

function toMethodProblem({ method = "" }: IncomingMessage, allowed: string): AppError | undefined {
  if (allowed.split(", ").includes(method)) return undefined;
  return new AppError("method_not_allowed", { detail: `This method is not supported here. Use one of: ${allowed}.` });
}

/** What is wrong with a request's Host, target and path, wherever it goes; undefined: nothing. */
export function findFormProblem(request: IncomingMessage): AppError | undefined {
  const { url = "/" } = request;
  return findHeaderProblem(request) ?? findTargetProblem(url) ?? findPathProblem(url);
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

function findHeaderProblem(request: IncomingMessage): AppError | undefined {
  return findFieldProblem(request) ?? findTransferProblem(request.headers["transfer-encoding"]);
}

/** RFC 9112, section 6.1: the last transfer coding of a request is `chunked`, and it is the only one that the server decodes. */
function findTransferProblem(header: string | undefined): AppError | undefined {
  if (header === undefined || header === "chunked") return undefined;
  const codings = header
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "");
  if (codings.at(-1) !== "chunked" || codings.indexOf("chunked") !== codings.length - 1)
    return invalid("The Transfer-Encoding must end with chunked, and name it once.");
  return codings.length > 1 ? new AppError("transfer_encoding_unsupported") : undefined;
}

/**
 * RFC 9112, section 3.2: exactly one Host, and one that can be a host; and no two types of one body. Node keeps the first of several, which another server
 * might not.
 */
function findFieldProblem({ rawHeaders, headers, httpVersion }: IncomingMessage): AppError | undefined {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
    if (name?.length === 12 && name.toLowerCase() === "content-type" && rawHeaders[index + 1] !== headers["content-type"])
      return invalid("The Content-Type headers differ. Send one.");
  }
  if (count > 1) return invalid("There is more than one Host header. Send one.");
  if (count === 0 && httpVersion === "1.1") return invalid("The Host header is missing. Send one.");
  return HOST.test(headers.host ?? "") ? undefined : invalid("The Host header is not a valid host.");
}

function findTargetProblem(url: string): AppError | undefined {
  return url.startsWith("/") ? undefined : invalid("The request target is neither a path nor a URL. Send a path, like /api/health.");
}

function findPathProblem(url: string): AppError | undefined {
  const questionMark = url.indexOf("?");
  const path = questionMark < 0 ? url : url.slice(0, questionMark);
  if (!path.includes("%")) return undefined;
  try {
    decodeURIComponent(path);
    return undefined;
  } catch {
    return invalid("The path has percent signs that do not encode UTF-8. Encode it as RFC 3986 defines.");
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
