/** Starts the web server on one port: it routes requests and WebSocket upgrades, reports its health, and stops in order. */
import type { ServerResponse } from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Config } from "@/src/config/config";
import type { CountExchange } from "@/src/core/limits/ports";
import { refuseUpgrade } from "@/src/realtime/transports/refuse-upgrade";
import { AppError } from "@/src/shared/errors";
import { isDataPath } from "@/src/shared/streams/data-path";
import type { Booted } from "../boot";
import type { LoopDelayReading } from "../loop-delay";
import type { ServerHealth } from "../workers/messages";
import { composeFront } from "./front";
import type { Pages } from "./next-pages";

const ACCEPT_TURNS_MAX = 10_000;
/** How long a connection may take to its first request after the server began to stop. */
const FIRST_REQUEST_GRACE_MS = 250;
/** How long requests under way may take after the server began to stop. */
const REQUEST_GRACE_MS = 5_000;

export interface Listening {
  url: string;
  port: number;
  /**
   * From now on, health responds with 503 and each response ends its connection, so that load balancers and clients go elsewhere. Requests are still
   * served.
   */
  drain(): void;
  /** Ends sockets (1012), requests, Next.js, and then everything that boot has opened. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  /** The dashboard and the management API. `stop` closes them. */
  pages: Pages;
  /** Default: config.port. 0: any free port. */
  port?: number;
  /** Counts connections together with the other workers of this server. */
  exchange?: CountExchange;
  /** The reports of all processes of this server. Absent: this one serves everything. */
  readHealth?: () => ServerHealth;
}

/** Listens on config.host. Rejects if the port is taken. */
export async function listen(
  booted: Booted,
  { pages, port = booted.runtime.config.port, exchange, readHealth }: ListenOptions,
): Promise<Listening> {
  const { config, log } = booted.runtime;
  let isDraining = false;
  const { certificates, slowClients, dataPlane, drain } = booted;
  const { server, endConnections } = composeFront({
    ...{ slowClients, dataPlane, drain, log, exchange },
    health: (response) => void answerHealth(booted, response, { isDraining, server: readHealth?.() }),
    refuseEarly: pages.refuseEarly,
    pages: pages.serve,
    certificate: certificates?.current(),
    openWebSocket: (request, socket, head) => {
      slowClients.forget(request.socket);
      if (isDataPath(request.url ?? "/")) booted.upgrade(request, socket, head);
      else if (!pages.upgrade(request, socket, head)) refuseUpgrade(socket, new AppError("not_found"));
    },
    // In development, the pages of Next.js itself take bodies.
    config: { ...config, publicUrl: config.publicUrl, isTls: config.tls !== undefined, pagesTakeBodies: config.mode === "development" },
  });

  // Open connections keep the certificate with which they started.
  if (server instanceof https.Server) certificates?.onChange((pair) => server.setSecureContext(pair));

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error(`Port ${port} on ${config.host} is in use. Choose another one with PORT.`) : error);
    });
    server.listen(port, config.host, resolve);
  });

  const address = server.address() as AddressInfo;
  return {
    url: toUrl(config, address),
    port: address.port,
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
      await pages.close();
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

function toUrl({ tls, host, publicUrl }: Pick<Config, "tls" | "host" | "publicUrl">, { port }: AddressInfo): string {
  if (publicUrl !== undefined) return publicUrl;
  const name = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `${tls ? "https" : "http"}://${name}:${port}`;
}

async function answerHealth(
  booted: Booted,
  response: ServerResponse,
  { isDraining, server }: { isDraining: boolean; server: ServerHealth | undefined },
): Promise<void> {
  const status = isDraining ? "draining" : (await booted.isDatabaseUp()) ? "ok" : "database_unavailable";
  response.writeHead(status === "ok" ? 200 : 503, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  const own = booted.readLoopDelay();
  const body = server
    ? { status, eventLoopDelayMs: toWorst([own, ...server.loopDelays]), processes: server.processes }
    : { status, eventLoopDelayMs: own };
  response.end(JSON.stringify(body));
}

function toWorst(readings: readonly LoopDelayReading[]): LoopDelayReading {
  const max = (name: keyof LoopDelayReading) => Math.max(...readings.map((reading) => reading[name]));
  return { p50: max("p50"), p99: max("p99"), max: max("max") };
}
