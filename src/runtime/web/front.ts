/** The web server of a node: limits, checks and client errors in front of the planes. */
import type { Server, ServerResponse } from "node:http";
import type https from "node:https";
import type { Config } from "@/src/config/config";
import type { CountExchange } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import { createHttpLimits } from "@/src/http/limits";
import { createClientErrorHandler } from "@/src/http/server/client-error";
import { createConnectionLimits } from "@/src/http/server/connection-limits";
import { createFront, type FrontOptions } from "@/src/http/server/front";
import { createWebServer, type WebServerOptions } from "@/src/http/server/web-server";
import { createForwardedReader, createProxyTest } from "./forwarded";

export interface FrontParts
  extends Pick<FrontOptions, "dataPlane" | "drain" | "slowClients" | "refuseEarly" | "pages">,
    Pick<WebServerOptions, "openWebSocket"> {
  /** Responds to the health check. */
  health: (response: ServerResponse) => void;
  /** Absent: plain HTTP. */
  certificate?: { cert: Buffer; key: Buffer } | undefined;
  config: Pick<Config, "trustProxy" | "connections" | "headersTimeoutMs" | "bodyTimeoutMs" | "uploadTimeoutMs"> &
    Pick<FrontOptions["config"], "publicUrl" | "isTls" | "pagesTakeBodies">;
  /** Counts connections together with the other workers of this server. */
  exchange?: CountExchange | undefined;
  log: Pick<Log, "debug">;
}

export interface WebFront {
  /** Does not listen yet. */
  server: Server | https.Server;
  /** From now on the next response of each connection ends it (E7). */
  endConnections(): void;
}

export function composeFront({ config, certificate, openWebSocket, exchange, log, ...planes }: FrontParts): WebFront {
  const { trustProxy, connections, headersTimeoutMs } = config;
  const onClientError = createClientErrorHandler({ log });
  const readForwarded = createForwardedReader(trustProxy);
  const limits = createConnectionLimits(connections, { isProxy: createProxyTest(trustProxy), exchange });
  const front = createFront({ ...planes, readForwarded, limits, onClientError, config });
  const tls = certificate && { ...certificate, handshakeTimeoutMs: headersTimeoutMs };
  const server = createWebServer({ front, limits: createHttpLimits(config), tls, openWebSocket, onClientError });
  return { server, endConnections: front.endConnections };
}
