/** Passes requests of a worker for the dashboard and the management API to the process that has them, over a private socket (ADR 40). */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Log } from "@/src/core/log";
import { hasBody } from "@/src/http/limits";
import { AppError } from "@/src/shared/errors";
import { createRequestId, formatProblem } from "@/src/shared/http/problem";
import type { DashboardAddress } from "../workers/messages";
import type { Pages } from "./next-pages";

/** Proves to the other process that a worker sent the request. Clients cannot set it, because it is overwritten. */
export const SECRET_HEADER = "x-rested-worker-secret";

/** They concern one connection, not the message (RFC 9110, section 7.6.1). The front has responded to `Expect`. */
const CONNECTION_HEADERS = new Set([
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "expect"],
]);
/** The errors of a process that is not there. It has not received the request. */
const NOT_THERE = new Set(["ENOENT", "ECONNREFUSED"]);
const RETRY_AFTER_SECONDS = 2;

/** Opens connections as they are needed. Bodies are streamed in both directions. While that process starts again, the proxy responds with 503. */
export function createDashboardProxy({ address, log }: { address: DashboardAddress; log: Pick<Log, "warn"> }): Pages {
  const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 64 });

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { method = "GET", url = "/" } = request;
    const upstream = http.request({
      agent,
      socketPath: address.path,
      method,
      path: url,
      headers: toRequestHeaders(request, address.secret),
    });
    // The client has gone away.
    response.once("close", () => {
      if (!response.writableFinished) upstream.destroy();
      // The rest of a body that nobody reads.
      request.unpipe(upstream);
      request.resume();
    });
    upstream.on("error", (error: NodeJS.ErrnoException) => {
      if (response.destroyed || response.writableEnded) return;
      if (response.headersSent) return void response.destroy();
      const isThere = !NOT_THERE.has(error.code ?? "");
      if (isThere) log.warn({ err: error }, "the process with the dashboard did not respond");
      const detail = "The dashboard and the management API are starting again. Try again shortly.";
      const retryAfterSeconds = RETRY_AFTER_SECONDS;
      refuse(
        response,
        isThere ? new AppError("internal_error", { cause: error }) : new AppError("server_busy", { detail, retryAfterSeconds }),
      );
    });
    upstream.on("response", (incoming) => passResponse(incoming, response));
    if (hasBody(request)) request.pipe(upstream);
    else upstream.end();
  }

  return {
    serve,
    // The other process counts all requests.
    refuseEarly: () => undefined,
    upgrade: () => false,
    close: async () => agent.destroy(),
  };
}

function toRequestHeaders({ headers }: IncomingMessage, secret: string): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!CONNECTION_HEADERS.has(name)) passed[name] = value;
  // Node.js chooses the length or chunks of the body by this header.
  if (headers["transfer-encoding"] !== undefined) passed["transfer-encoding"] = "chunked";
  passed[SECRET_HEADER] = secret;
  return passed;
}

function passResponse(incoming: IncomingMessage, response: ServerResponse): void {
  if (response.destroyed) return void incoming.resume();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !CONNECTION_HEADERS.has(name)) response.setHeader(name, value);
  }
  // The rest of the body was refused, so the connection cannot be used again.
  if (incoming.headers.connection === "close") response.shouldKeepAlive = false;
  response.writeHead(incoming.statusCode ?? 500, incoming.statusMessage);
  incoming.on("error", () => response.destroy());
  // Ends the response only after a complete one: a client must notice that the rest is missing.
  incoming.on("close", () => {
    if (!incoming.complete) response.destroy();
  });
  incoming.pipe(response);
}

function refuse(response: ServerResponse, error: AppError): void {
  const { status, headers, body } = formatProblem(error, createRequestId());
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body), "Cache-Control": "no-store", Connection: "close" });
  response.end(body);
}
