/** The checks that every request passes before it reaches a plane: Host, path, and whether the address takes a body (U12, U13). */
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { hasBody } from "@/src/http/limits";
import { AppError } from "@/src/shared/errors";
import { isDataPath } from "@/src/shared/streams/data-path";

export interface RequestRules {
  /** The public address (RESTED_PUBLIC_URL); undefined: every host is accepted. */
  publicUrl: string | undefined;
  /** Pages take no bodies. In development, the pages of Next.js itself do. */
  pagesTakeBodies: boolean;
}

/** The path that load balancers and supervisors request. */
const HEALTH_PATH = "/api/health";

/** The methods of the management API. Each address has some of them. */
export const API_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/** The methods of pages and of the health check. */
const READ_METHODS = "GET, HEAD, OPTIONS";
const SLASH = "/".charCodeAt(0);
/** The image optimizer of Next.js, which no page uses. */
const IMAGE_PATH = /^\/_next\/image(?:$|[?/])/;

const WHERE_APIS_ARE =
  "Nothing was found at this address. Endpoints are at /api/1/ce/<endpoint>?key=<your key>, and the management API is below /api/manage/.";

/** Below these paths, route handlers limit their bodies themselves. */
const API_PATH = /^\/api\/(?:auth|manage)\//;
const ANY_API_PATH = /^\/api(?:[/?]|$)/;
const MANAGE_PATH = /^\/api\/manage\//;
const HOST = /^[a-z0-9._~!$&'()*+,;=%:[\]-]*$/i;

/**
 * Normalizes the target of a request. An absolute target (RFC 9112, section 3.2.2) replaces the Host header and becomes its path. Extra slashes before and after
 * addresses of the API are removed. Call it before anything reads the target or the host.
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

/** True for the address of the health check, with or without a query. */
export function isHealthPath(url: string): boolean {
  return url.startsWith(HEALTH_PATH) && (url.length === HEALTH_PATH.length || url[HEALTH_PATH.length] === "?");
}

/** The problem of a request; undefined if there is none. Its forwarding headers must be normalized already (runtime/web/forwarded.ts). */
export function findRequestProblem(request: IncomingMessage, { publicUrl, pagesTakeBodies }: RequestRules): AppError | undefined {
  const { url = "/", headers } = request;
  if (request.method === "OPTIONS" && url === "*") return findHeaderProblem(request);
  const problem = findFormProblem(request);
  if (problem || isDataPath(url)) return problem;
  if (isHealthPath(url)) return toMethodProblem(request, READ_METHODS);
  // Next.js responds to other methods without a problem document, and logs an error for TRACE.
  const unknown = toMethodProblem(request, API_METHODS);
  if (unknown) return unknown;
  if (publicUrl !== undefined && !isOwnHost(toHost(headers), publicUrl) && !isByToken(url, headers)) {
    const detail = `The address of this server is ${publicUrl}. Use it, or set RESTED_PUBLIC_URL to the address that people use.`;
    return new AppError("host_not_allowed", { detail });
  }
  // Next.js would respond with 404 too, at the cost of rendering a page.
  if (ANY_API_PATH.test(url) && !API_PATH.test(url)) return new AppError("not_found", { detail: WHERE_APIS_ARE });
  if (!pagesTakeBodies && !API_PATH.test(url) && hasBody(request)) {
    return new AppError("body_too_large", { detail: "The body is too large: this address does not accept a body." });
  }
  if (!pagesTakeBodies && IMAGE_PATH.test(url)) return new AppError("not_found");
  // Next.js would render pages for every method, and log failed server actions.
  return pagesTakeBodies || API_PATH.test(url) ? undefined : toMethodProblem(request, READ_METHODS);
}

/** The methods of an address, for `Allow`. */
export function toAllowedMethods(url: string): string {
  return url === "*" || API_PATH.test(url) ? API_METHODS : READ_METHODS;
}

function toMethodProblem({ method = "" }: IncomingMessage, allowed: string): AppError | undefined {
  if (allowed.split(", ").includes(method)) return undefined;
  return new AppError("method_not_allowed", { detail: `This method is not supported here. Use one of: ${allowed}.` });
}

/** The problem of a request's Host, target or path, for every plane; undefined if there is none. */
export function findFormProblem(request: IncomingMessage): AppError | undefined {
  const { url = "/" } = request;
  return findHeaderProblem(request) ?? findTargetProblem(url) ?? findPathProblem(url);
}

/** The host by which the client reaches the server, directly or through a proxy; lowercase. */
export function toHost({ host, "x-forwarded-host": forwarded }: IncomingMessage["headers"]): string {
  const given = typeof forwarded === "string" ? forwarded : forwarded?.[0];
  return (given?.split(",")[0]?.trim() || host || "").toLowerCase();
}

/** True for `localhost` and IP addresses. Pages of other sites have no such origin. */
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
 * RFC 9112, section 3.2: a request has exactly one valid Host, and its body one type. Node.js keeps the first of several, but another server might
 * keep another.
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

/** Some proxies and programs include the default port. */
function isOwnHost(host: string, publicUrl: string): boolean {
  const own = new URL(publicUrl);
  if (host === own.host || isLocalName(host)) return true;
  const given = `${own.protocol}//${host}`;
  return URL.canParse(given) && new URL(given).host === own.host;
}

/** Programs in a container network use other host names. Browsers never send a token by themselves, so a page of another site gains nothing. */
function isByToken(url: string, headers: IncomingMessage["headers"]): boolean {
  return MANAGE_PATH.test(url) && /^Bearer +\S/i.test(headers.authorization ?? "");
}

function invalid(detail: string): AppError {
  return new AppError("request_invalid", { detail });
}
