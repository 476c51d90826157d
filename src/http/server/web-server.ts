/** The HTTP or HTTPS server of the process: connects the events of Node.js to their handlers. */
import http, { type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { API_METHODS } from "@/src/http/check-request";
import { endWithProblem } from "@/src/http/server/client-error";
import type { Front } from "@/src/http/server/front";
import { createOfferedUpgrades, offersWebSocket } from "@/src/http/server/offered-upgrades";
import { acceptPlainHttp } from "@/src/http/server/plain-http";
import { AppError } from "@/src/shared/errors";

export interface WebServerOptions {
  front: Front;
  /** See createHttpLimits. */
  limits: ServerOptions;
  /** Absent: plain HTTP. */
  tls?: { cert: Buffer; key: Buffer; handshakeTimeoutMs: number } | undefined;
  /** Takes over the connection of a request that offers WebSocket and has a valid host and path. */
  openWebSocket: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Ends a connection on which something other than HTTP arrived. */
  onClientError: (error: Error, socket: Duplex) => void;
}

const PIPELINED = "A WebSocket handshake cannot be pipelined behind another request. Send it on a separate connection.";

/** Does not listen yet. With TLS, a plain HTTP request on the same port receives the HTTPS address (U18). */
export function createWebServer({ front, limits, tls, openWebSocket, onClientError }: WebServerOptions): Server | https.Server {
  const upgrades = createOfferedUpgrades({ giveBack: (socket) => void server.emit(tls ? "secureConnection" : "connection", socket) });
  const options = { ...limits, ...upgrades.serverOptions };
  const server = tls
    ? https.createServer({ ...options, handshakeTimeout: tls.handshakeTimeoutMs, cert: tls.cert, key: tls.key })
    : http.createServer(options);
  // Node.js would silently drop headers after the first thousand. Their bytes are limited instead.
  server.maxHeadersCount = 0;

  const serve = (request: IncomingMessage, response: ServerResponse, awaitsContinue = false): void => {
    let problem: AppError | undefined;
    if (request.headers.upgrade !== undefined && upgrades.isPipelined(request)) {
      response.setHeader("Connection", "close");
      if (offersWebSocket(request)) problem = new AppError("upgrade_invalid", { detail: PIPELINED });
    }
    front.handle(request, response, { awaitsContinue, problem });
  };
  server.on("request", (request, response) => serve(request, response));
  if (server instanceof https.Server) {
    const timeoutMs = tls?.handshakeTimeoutMs ?? 0;
    acceptPlainHttp(server, { admit: front.connect, limits, onRequest: front.redirectToHttps, onClientError, timeoutMs });
  } else {
    server.on("connection", (socket: Socket) => {
      if (!upgrades.wasGivenBack(socket)) front.connect(socket);
    });
  }
  server.on("clientError", onClientError);
  // "Expect: 100-continue": a plane requests the body only after the request has passed its checks.
  server.on("checkContinue", (request, response) => serve(request, response, true));
  // All other expectations are ignored (RFC 9110, section 10.1.1).
  server.on("checkExpectation", (request, response) => serve(request, response));
  server.on("connect", (_request: IncomingMessage, socket: Duplex) =>
    endWithProblem(socket, new AppError("method_not_allowed"), { Allow: API_METHODS }),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!offersWebSocket(request)) return upgrades.ignore(request, socket, head);
    // Of several offered protocols, this is the one that the server speaks.
    request.headers.upgrade = "websocket";
    const problem = front.checkUpgrade(request);
    if (problem) return endWithProblem(socket, problem);
    openWebSocket(request, socket, head);
  });
  return server;
}
