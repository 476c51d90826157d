/** The front of the server: every connection and request passes its limits and checks before it reaches a plane. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { toRateError } from "@/src/core/access/rate-limit-policy";
import type { RateVerdict } from "@/src/core/limits/ports";
import {
  findFormProblem,
  findRequestProblem,
  isHealthPath,
  isLocalName,
  type RequestRules,
  toAllowedMethods,
  toHost,
  toOriginForm,
} from "@/src/http/check-request";
import type { DataPlane } from "@/src/http/data-plane";
import { wantsEvents } from "@/src/http/handlers/event-stream";
import { hasBody, toBodyTimeout } from "@/src/http/limits";
import { addCorsHeaders } from "@/src/http/reply/cors";
import { respond } from "@/src/http/reply/respond";
import { SlowBodyError, toRawAnswer } from "@/src/http/server/client-error";
import type { ConnectionLimits } from "@/src/http/server/connection-limits";
import type { Drain } from "@/src/http/server/drain";
import type { SlowClients } from "@/src/http/server/slow-clients";
import { AppError, isAppError } from "@/src/shared/errors";
import { createRequestId, formatProblem } from "@/src/shared/http/problem";
import { toRateHeaders } from "@/src/shared/http/rate-headers";
import { isDataPath } from "@/src/shared/streams/data-path";

export interface FrontOptions {
  /** Normalizes the forwarding headers (TRUST_PROXY). */
  readForwarded: (request: IncomingMessage) => void;
  limits: ConnectionLimits;
  slowClients: Pick<SlowClients, "watchAnswer" | "watchBody">;
  dataPlane: DataPlane;
  /** Drops the rest of refused bodies. */
  drain: Drain;
  health: (response: ServerResponse) => void;
  /** Returns the rate verdict if a request to the management API or the sign-in is over its rate limit; otherwise undefined. */
  refuseEarly: (request: IncomingMessage) => RateVerdict | undefined;
  /** The dashboard and the management API. */
  pages: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends a request on its bare socket. */
  onClientError: (error: Error, socket: Socket) => void;
  config: RequestRules & {
    /** True if the server itself terminates TLS. */
    isTls: boolean;
    bodyTimeoutMs: number;
    uploadTimeoutMs: number;
  };
}

export interface Front {
  /** Called for each new connection. Returns false if there are too many; the connection is then closed. */
  connect(socket: Socket): boolean;
  /**
   * Responds to a request. `awaitsContinue`: the client waits for `100 Continue` (the server's `checkContinue` event). `problem`: the error with which
   * to refuse the request, unless the checks of every request find another one first.
   */
  handle(request: IncomingMessage, response: ServerResponse, options?: { awaitsContinue?: boolean; problem?: AppError | undefined }): void;
  /** From now on, the next response of each connection ends it (E7). */
  endConnections(): void;
  /** The problem of an upgrade request; undefined if there is none. */
  checkUpgrade(request: IncomingMessage): AppError | undefined;
  /** Responds to a plain HTTP request on the port of HTTPS. */
  redirectToHttps(request: IncomingMessage, response: ServerResponse): void;
}

/** The paths of requests that G23 counts. */
const IS_COUNTED = /^\/api\/(?:manage|auth)\//;
/** Half a year. Without subdomains, which can be other servers. */
const STRICT_TRANSPORT = ["Strict-Transport-Security", "max-age=15552000"] as const;
const NONE: readonly [] = [];
const NO_HOST = "This server accepts only HTTPS. Send the request again over https, with a Host header.";

export function createFront(options: FrontOptions): Front {
  const isHttps = options.config.isTls || options.config.publicUrl?.startsWith("https:");
  const { readForwarded, limits, slowClients, dataPlane, drain, health, refuseEarly, pages, onClientError, config } = options;
  /** The connections that have received their last request; undefined while connections are kept open. */
  let ending: WeakSet<Socket> | undefined;

  function check(request: IncomingMessage): AppError | undefined {
    toOriginForm(request);
    readForwarded(request);
    return findRequestProblem(request, config);
  }

  function admit(request: IncomingMessage, response: ServerResponse): AppError | undefined {
    const problem = check(request);
    // Streams have limits of their own (W21), and an EventSource that receives an error never reconnects.
    if (problem || (wantsEvents(request) && isDataPath(request.url ?? "/"))) return problem;
    return toError(() => limits.begin(request, response));
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    error: AppError,
    extraHeaders: Readonly<Record<string, string>> = {},
  ): void {
    const requestId = createRequestId();
    const { origin } = request.headers;
    const { status, headers, body } = formatProblem(error, requestId);
    const isData = isDataPath(request.url ?? "/");
    const list = ["Cache-Control", "no-store", "X-Content-Type-Options", "nosniff", "X-Request-Id", requestId];
    for (const [name, value] of Object.entries({ ...headers, ...extraHeaders })) list.push(name, value);
    if (isData) addCorsHeaders(list, origin ? { kind: "unknown", origin } : { kind: "none" });
    if (error.code === "method_not_allowed") list.push("Allow", toAllowedMethods(request.url ?? "/"));
    const close = hasBody(request) || error.code === "request_invalid" || error.code === "https_required";
    respond({ request, response, drain }, { status, headers: list, body, close });
  }

  /** For a page, the health check, or the whole server (RFC 9110, section 9.3.7). */
  function answerOptions(request: IncomingMessage, response: ServerResponse): void {
    const headers = { Allow: toAllowedMethods(request.url ?? "/"), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
    respond({ request, response, drain }, { status: 204, headers, close: hasBody(request) });
  }

  return {
    connect(socket) {
      const problem = toError(() => limits.accept(socket));
      if (!problem) return true;
      // Before the TLS handshake, no response can be sent.
      if (!config.isTls) socket.end(toRawAnswer(problem));
      socket.destroySoon();
      return false;
    },
    endConnections() {
      ending ??= new WeakSet();
    },
    handle(request, response, { awaitsContinue = false, problem: given } = {}) {
      if (ending) {
        // RFC 9112, section 9.6: requests that are pipelined behind it receive no response, so clients send them again. They must not be carried out twice.
        if (ending.has(request.socket)) return;
        ending.add(request.socket);
        // If the server closed an idle connection later, the next request could already be on its way.
        response.shouldKeepAlive = false;
      }
      slowClients.watchAnswer(request, response);
      const problem = admit(request, response) ?? given;
      const isSecure = isHttps && !isLocalName(toHost(request.headers));
      const url = request.url ?? "/";
      if (!problem && isDataPath(url)) return dataPlane(request, response, { awaitsContinue, headers: isSecure ? STRICT_TRANSPORT : NONE });
      if (isSecure) response.setHeader(...STRICT_TRANSPORT);
      if (problem) return refuse(request, response, problem);
      if (request.method === "OPTIONS" && !IS_COUNTED.test(url)) return answerOptions(request, response);
      if (isHealthPath(url)) return health(response);
      const bar = IS_COUNTED.test(url) ? refuseEarly(request) : undefined;
      if (bar) return refuse(request, response, toRateError(bar), toRateHeaders(bar));
      if (awaitsContinue) response.writeContinue();
      if (hasBody(request)) {
        const onSlow = () => onClientError(new SlowBodyError(), request.socket);
        slowClients.watchBody(request, { timeoutMs: toBodyTimeout(url, config), onSlow });
      }
      pages(request, response);
    },
    checkUpgrade: check,
    redirectToHttps(request, response) {
      slowClients.watchAnswer(request, response);
      toOriginForm(request);
      readForwarded(request);
      const problem = findFormProblem(request);
      if (problem) return refuse(request, response, problem);
      if (!request.headers.host) return refuse(request, response, new AppError("request_invalid", { detail: NO_HOST }));
      const Location = `https://${toHttpsHost(request.headers.host, config.publicUrl)}${request.url}`;
      refuse(request, response, new AppError("https_required", { detail: `This server accepts only HTTPS. Use ${Location}` }), {
        Location,
      });
    },
  };
}

/** Returns the host of the public address if `host` names it, because its port can differ; otherwise `host`. */
function toHttpsHost(host: string, publicUrl: string | undefined): string {
  if (publicUrl === undefined) return host;
  const { protocol, hostname, host: publicHost } = new URL(publicUrl);
  return protocol === "https:" && hostname === host.replace(/:\d+$/, "").toLowerCase() ? publicHost : host;
}

/** The error of the catalogue that `act` throws. */
function toError(act: () => void): AppError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}
