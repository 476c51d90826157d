/** What every connection and request passes before it reaches a plane: limits, checks, and the headers that every answer has. */
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
import { toCorsHeaders } from "@/src/http/reply/cors";
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
  /** Makes the forwarding headers true (TRUST_PROXY). */
  readForwarded: (request: IncomingMessage) => void;
  limits: ConnectionLimits;
  slowClients: Pick<SlowClients, "watchAnswer" | "watchBody">;
  dataPlane: DataPlane;
  /** Drops the rest of refused bodies. */
  drain: Drain;
  health: (response: ServerResponse) => void;
  /** How the sender stands when its request to the management API or sign-in is refused for its rate; undefined: it is not. */
  refuseEarly: (request: IncomingMessage) => RateVerdict | undefined;
  /** The dashboard and the management API. */
  pages: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends a request on its bare socket. */
  onClientError: (error: Error, socket: Socket) => void;
  config: RequestRules & {
    /** The server ends TLS itself. */
    isTls: boolean;
    bodyTimeoutMs: number;
    uploadTimeoutMs: number;
  };
}

export interface Front {
  /** For each new connection: refuses and closes what is too many. False: it did. */
  connect(socket: Socket): boolean;
  /**
   * Answers a request. `awaitsContinue`: the client waits to be asked for its body (the server's `checkContinue` event).
   * `problem`: the request is refused for it, unless something is wrong with its address.
   */
  handle(request: IncomingMessage, response: ServerResponse, options?: { awaitsContinue?: boolean; problem?: AppError | undefined }): void;
  /** From now on the next answer of each connection ends it (E7). */
  endConnections(): void;
  /** What is wrong with an upgrade request; undefined: nothing. */
  checkUpgrade(request: IncomingMessage): AppError | undefined;
  /** Answers a request that came to the port of HTTPS as plain HTTP. */
  redirectToHttps(request: IncomingMessage, response: ServerResponse): void;
}

/** What G23 counts. */
const IS_COUNTED = /^\/api\/(?:manage|auth)\//;
/** Half a year. Without subdomains: they may be other servers. */
const STRICT_TRANSPORT = "max-age=15552000";
const NO_HOST = "This server accepts only HTTPS. Send the request again over https, with a Host header.";

export function createFront(options: FrontOptions): Front {
  const isHttps = options.config.isTls || options.config.publicUrl?.startsWith("https:");
  const { readForwarded, limits, slowClients, dataPlane, drain, health, refuseEarly, pages, onClientError, config } = options;
  /** The connections whose last request has come; undefined: they are kept open. */
  let ending: WeakSet<Socket> | undefined;

  function check(request: IncomingMessage): AppError | undefined {
    toOriginForm(request);
    readForwarded(request);
    return findRequestProblem(request, config);
  }

  function admit(request: IncomingMessage, response: ServerResponse): AppError | undefined {
    const problem = check(request);
    if (isHttps && !isLocalName(toHost(request.headers))) response.setHeader("Strict-Transport-Security", STRICT_TRANSPORT);
    // Streams have limits of their own (W21), and an EventSource that is answered with an error never comes again.
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
    respond(
      { request, response, drain },
      {
        status,
        headers: {
          ...headers,
          ...extraHeaders,
          ...(isData ? toCorsHeaders(origin ? { kind: "unknown", origin } : { kind: "none" }) : {}),
          ...(error.code === "method_not_allowed" ? { Allow: toAllowedMethods(request.url ?? "/") } : {}),
          "Cache-Control": "no-store",
          "X-Content-Type-Options": "nosniff",
          "X-Request-Id": requestId,
        },
        body,
        close: hasBody(request) || error.code === "request_invalid" || error.code === "https_required",
      },
    );
  }

  /** Of a page, the health check, or the whole server (RFC 9110, section 9.3.7). */
  function answerOptions(request: IncomingMessage, response: ServerResponse): void {
    const headers = { Allow: toAllowedMethods(request.url ?? "/"), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
    respond({ request, response, drain }, { status: 204, headers, close: hasBody(request) });
  }

  return {
    connect(socket) {
      const problem = toError(() => limits.accept(socket));
      if (!problem) return true;
      // Before TLS nothing can be said.
      if (!config.isTls) socket.end(toRawAnswer(problem));
      socket.destroySoon();
      return false;
    },
    endConnections() {
      ending ??= new WeakSet();
    },
    handle(request, response, { awaitsContinue = false, problem: given } = {}) {
      if (ending) {
        // RFC 9112, section 9.6: what is pipelined behind it has no answer, so that its client sends it again. It must not be done twice.
        if (ending.has(request.socket)) return;
        ending.add(request.socket);
        // An idle connection that the server closes later may have the next request on it by then.
        response.shouldKeepAlive = false;
      }
      slowClients.watchAnswer(request, response);
      const problem = admit(request, response) ?? given;
      if (problem) return refuse(request, response, problem);
      const url = request.url ?? "/";
      if (isDataPath(url)) return dataPlane(request, response, { awaitsContinue });
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

/** The public address may have another port. */
function toHttpsHost(host: string, publicUrl: string | undefined): string {
  if (publicUrl === undefined) return host;
  const { protocol, hostname, host: publicHost } = new URL(publicUrl);
  return protocol === "https:" && hostname === host.replace(/:\d+$/, "").toLowerCase() ? publicHost : host;
}

/** What `act` throws of the catalogue. */
function toError(act: () => void): AppError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}
