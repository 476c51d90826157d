/** The web server of the process with the dashboard, on a private socket. The workers have applied the limits and checks of every request (ADR 40). */
import { timingSafeEqual } from "node:crypto";
import { rm } from "node:fs/promises";
import http, { type IncomingMessage } from "node:http";
import { createClientErrorHandler } from "@/src/http/server/client-error";
import { createFront } from "@/src/http/server/front";
import type { Booted } from "../boot";
import type { DashboardAddress } from "../workers/messages";
import { SECRET_HEADER } from "./dashboard-proxy";
import type { Listening } from "./listen";
import { startNext } from "./next-pages";

/** More than the limit of clients, because the workers add headers. */
const HEADERS_BYTES_MAX = 128 * 1024;

/** Starts Next.js, and listens on the socket. `stop` waits for the requests under way. */
export async function listenForWorkers(booted: Booted, address: DashboardAddress): Promise<Listening> {
  const { config, log } = booted.runtime;
  const pages = await startNext(booted.runtime);
  const secret = Buffer.from(address.secret);
  const isFromWorker = ({ headers }: IncomingMessage) => {
    const given = Buffer.from(String(headers[SECRET_HEADER] ?? ""));
    delete headers[SECRET_HEADER];
    return given.length === secret.length && timingSafeEqual(given, secret);
  };
  const front = createFront({
    ...{ drain: booted.drain, dataPlane: booted.dataPlane, pages: pages.serve, refuseEarly: pages.refuseEarly },
    // The worker did all of this for the connection of the client.
    readForwarded: () => undefined,
    limits: { accept: () => undefined, begin: () => undefined },
    slowClients: { watchAnswer: () => undefined, watchBody: () => () => undefined },
    health: (response) => response.writeHead(404).end(),
    onClientError: createClientErrorHandler({ log }),
    config: { ...config, publicUrl: config.publicUrl, isTls: config.tls !== undefined, pagesTakeBodies: false },
  });
  // Without timeouts: the worker has its own for the client. Idle connections stay open, so that no request meets one that is being closed.
  const server = http.createServer({ maxHeaderSize: HEADERS_BYTES_MAX, keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  server.maxHeadersCount = 0;
  server.on("request", (request, response) => {
    if (isFromWorker(request)) front.handle(request, response);
    else request.socket.destroy();
  });
  // A process that was killed leaves its socket.
  if (process.platform !== "win32") await rm(address.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // `exclusive`: in a cluster, the parent process would listen, and pass the connections on.
    server.listen({ path: address.path, exclusive: true }, resolve);
  });
  return {
    url: "",
    port: 0,
    drain: () => undefined,
    stop: async () => {
      // The workers have ended, and with them their connections.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await pages.close();
      await booted.closeStreams();
      await booted.stop();
    },
  };
}
