/** One port, three planes: routes requests to the data plane or to Next, upgrades to the realtime plane. It must hold no rule of any plane. */
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import next from "next";
import type { Config } from "@/src/config/config";
import { setNextAuthEnvironment } from "@/src/config/next-auth-environment";
import { createClientErrorHandler, SlowBodyError } from "@/src/http/client-error";
import { createHttpLimits, hasBody, toBodyTimeout } from "@/src/http/limits";
import { refuseUpgrade } from "@/src/realtime/refuse-upgrade";
import { isDataPath } from "@/src/shared/data-path";
import { AppError } from "@/src/shared/errors";
import type { Booted } from "./boot";
import { createForwardedReader } from "./forwarded";

/** The path that load balancers and supervisors ask. */
const HEALTH_PATH = "/api/health";
/** Hot reload's socket in development; the only upgrade that is Next's. */
const HMR_PATH = "/_next/hmr";

/** How long requests under way may take after the server was told to stop. */
const REQUEST_GRACE_MS = 5_000;

export interface Listening {
  url: string;
  /** Ends sockets (1012), requests, Next, and then everything that boot made. */
  stop(): Promise<void>;
}

/** Starts to listen on config.host and config.port (0: any free one) and prints where. Rejects when the port is taken. */
export async function listen(booted: Booted): Promise<Listening> {
  const { config, log } = booted.runtime;
  const isDev = config.mode === "development";
  // Next adds an upgrade listener of its own to the server it is given and ends sockets that it doesn't know; it gets a decoy instead.
  const decoy = new EventEmitter();
  setNextAuthEnvironment(config);
  const app = next({ dev: isDev, dir: process.cwd(), hostname: config.host, port: config.port, quiet: true, httpServer: decoy as Server });
  await app.prepare();

  const toNext = app.getRequestHandler();
  const readForwarded = createForwardedReader(config.trustProxy);
  const { slowClients } = booted;
  const onClientError = createClientErrorHandler({ log });
  const server = createServer(config, (request, response) => {
    readForwarded(request);
    slowClients.watchAnswer(request, response);
    const url = request.url ?? "/";
    if (isDataPath(url)) return booted.dataPlane(request, response);
    if (url === HEALTH_PATH) return void answerHealth(booted, response);
    if (hasBody(request)) {
      const onSlow = () => onClientError(new SlowBodyError(), request.socket);
      slowClients.watchBody(request, { timeoutMs: toBodyTimeout(url, config), onSlow });
    }
    toNext(request, response).catch((error: unknown) => {
      log.error({ err: error }, "the dashboard could not answer");
      response.destroy();
    });
  });
  server.on("clientError", onClientError);
  // "Expect: 100-continue": the data plane asks for the body only once the request has passed its checks.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (isDataPath(request.url ?? "/")) {
      readForwarded(request);
      slowClients.watchAnswer(request, response);
      return booted.dataPlane(request, response, { awaitsContinue: true });
    }
    response.writeContinue();
    server.emit("request", request, response);
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    readForwarded(request);
    slowClients.forget(request.socket);
    const url = request.url ?? "/";
    if (isDataPath(url)) booted.upgrade(request, socket, head);
    else if (isDev && url.startsWith(HMR_PATH) && decoy.listenerCount("upgrade") > 0) decoy.emit("upgrade", request, socket, head);
    else refuseUpgrade(socket, new AppError("not_found"));
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error(`Port ${config.port} on ${config.host} is in use. Choose another one with PORT.`) : error);
    });
    server.listen(config.port, config.host, resolve);
  });

  return {
    url: toUrl(config, server),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await booted.closeStreams();
      server.closeIdleConnections();
      // Requests under way may finish; those that don't in time are cut off, which their clients see.
      const cutOff = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS);
      await closed;
      clearTimeout(cutOff);
      await app.close();
      await booted.stop();
    },
  };
}

function createServer(config: Config, listener: RequestListener): Server | https.Server {
  const { tls } = config;
  const limits = createHttpLimits(config);
  if (!tls) return http.createServer(limits, listener);
  return https.createServer({ ...limits, cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, listener);
}

function toUrl({ tls, host, publicUrl }: Pick<Config, "tls" | "host" | "publicUrl">, server: Server | https.Server): string {
  if (publicUrl !== undefined) return publicUrl;
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `${tls ? "https" : "http"}://${name}:${port}`;
}

async function answerHealth(booted: Booted, response: ServerResponse): Promise<void> {
  const isUp = await booted.isDatabaseUp();
  response.writeHead(isUp ? 200 : 503, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  response.end(JSON.stringify({ status: isUp ? "ok" : "database_unavailable", eventLoopDelayMs: booted.readLoopDelay() }));
}
