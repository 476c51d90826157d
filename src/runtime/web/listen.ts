/** Starts the web server on one port: it routes requests and WebSocket upgrades, reports its health, and stops in order. */
import { EventEmitter } from "node:events";
import type { Server, ServerResponse } from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import next from "next";
import type { Config } from "@/src/config/config";
import { setNextAuthEnvironment } from "@/src/config/next-auth-environment";
import { refuseUpgrade } from "@/src/realtime/transports/refuse-upgrade";
import { AppError } from "@/src/shared/errors";
import { isDataPath } from "@/src/shared/streams/data-path";
import type { Booted } from "../boot";
import { composeFront } from "./front";
import { createDashboard } from "./serve-dashboard";

/** The socket of hot reload in development, the only upgrade that Next.js handles. */
const HMR_PATH = "/_next/hmr";

const ACCEPT_TURNS_MAX = 10_000;
/** How long a connection may take to its first request after the server began to stop. */
const FIRST_REQUEST_GRACE_MS = 250;
/** How long requests under way may take after the server began to stop. */
const REQUEST_GRACE_MS = 5_000;

export interface Listening {
  url: string;
  /**
   * From now on, health responds with 503 and each response ends its connection, so that load balancers and clients go elsewhere. Requests are still
   * served.
   */
  drain(): void;
  /** Ends sockets (1012), requests, Next.js, and then everything that boot has opened. */
  stop(): Promise<void>;
}

/** Listens on config.host and config.port (0: any free port). Rejects if the port is taken. */
export async function listen(booted: Booted): Promise<Listening> {
  const { config, log } = booted.runtime;
  const isDev = config.mode === "development";
  // Next.js adds an upgrade listener to the server that it receives, and ends sockets that it does not know. It receives a substitute.
  const decoy = new EventEmitter();
  setNextAuthEnvironment(config);
  const app = next({ dev: isDev, dir: process.cwd(), hostname: config.host, port: config.port, quiet: true, httpServer: decoy as Server });
  await app.prepare();

  const toDashboard = createDashboard({ limits: booted.runtime.managementLimits, toNext: app.getRequestHandler() });
  let isDraining = false;
  const { certificates, slowClients, dataPlane, drain } = booted;
  const { server, endConnections } = composeFront({
    ...{ slowClients, dataPlane, drain, log },
    health: (response) => void answerHealth(booted, response, isDraining),
    refuseEarly: (request) => booted.runtime.managementLimits.refuseEarly(request),
    pages: (request, response) => {
      toDashboard(request, response).catch((error: unknown) => {
        log.error({ err: error }, "the dashboard could not respond");
        response.destroy();
      });
    },
    certificate: certificates?.current(),
    openWebSocket: (request, socket, head) => {
      slowClients.forget(request.socket);
      const url = request.url ?? "/";
      if (isDataPath(url)) booted.upgrade(request, socket, head);
      else if (isDev && url.startsWith(HMR_PATH) && decoy.listenerCount("upgrade") > 0) decoy.emit("upgrade", request, socket, head);
      else refuseUpgrade(socket, new AppError("not_found"));
    },
    // In development, the pages of Next.js itself take bodies.
    config: { ...config, publicUrl: config.publicUrl, isTls: config.tls !== undefined, pagesTakeBodies: isDev },
  });

  // Open connections keep the certificate with which they started.
  if (server instanceof https.Server) certificates?.onChange((pair) => server.setSecureContext(pair));

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error(`Port ${config.port} on ${config.host} is in use. Choose another one with PORT.`) : error);
    });
    server.listen(config.port, config.host, resolve);
  });

  return {
    url: toUrl(config, server),
    drain: () => {
      isDraining = true;
      endConnections();
    },
    stop: async () => {
      isDraining = true;
      await acceptAll(server);
      // The server's own `close` would also end accepted connections whose request is still on its way.
      const closed = new Promise<void>((resolve) => net.Server.prototype.close.call(server, () => resolve()));
      await Promise.all([booted.closeStreams(), delay(FIRST_REQUEST_GRACE_MS)]);
      server.closeIdleConnections();
      // Requests under way may finish. Those that take too long are cut, which their clients notice.
      const cutOff = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS);
      await closed;
      clearTimeout(cutOff);
      await app.close();
      await booted.stop();
    },
  };
}

/**
 * Waits until all pending connections are accepted, because closing the server resets the others. Node.js accepts one in each turn of the event loop. A connection
 * that arrives between the last turn and the closing is still reset; only a balancer that has stopped sending can prevent that.
 */
async function acceptAll(server: net.Server): Promise<void> {
  let quietTurns = 0;
  const note = () => {
    quietTurns = 0;
  };
  server.on("connection", note);
  for (let turn = 0; turn < ACCEPT_TURNS_MAX && quietTurns < 2; turn += 1) {
    quietTurns += 1;
    await nextTurn();
  }
  server.off("connection", note);
}

function toUrl({ tls, host, publicUrl }: Pick<Config, "tls" | "host" | "publicUrl">, server: Server | https.Server): string {
  if (publicUrl !== undefined) return publicUrl;
  const { port } = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `${tls ? "https" : "http"}://${name}:${port}`;
}

async function answerHealth(booted: Booted, response: ServerResponse, isDraining: boolean): Promise<void> {
  const status = isDraining ? "draining" : (await booted.isDatabaseUp()) ? "ok" : "database_unavailable";
  response.writeHead(status === "ok" ? 200 : 503, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  response.end(JSON.stringify({ status, eventLoopDelayMs: booted.readLoopDelay() }));
}
