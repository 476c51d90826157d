/** The WebSocket transport: handshake, access, heartbeat, shutdown. The frames come from the hub. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type AccessRequest, toAccessRequest } from "@/src/core/access/access-request";
import { toClientAddress } from "@/src/core/access/client-network";
import type { RateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import type { Log } from "@/src/core/log";
import { parseJsonata } from "@/src/core/records/parameters";
import type { CountedRequest, Traffic } from "@/src/core/traffic/traffic";
import { AppError, isAppError } from "@/src/shared/errors";
import { createRequestId } from "@/src/shared/http/problem";
import { parseQuery, type QueryParameters } from "@/src/shared/http/query";
import { parseDataAddress } from "@/src/shared/streams/data-path";
import type { Subscription } from "../hub/connection";
import type { Hub } from "../hub/hub";
import type { Sink } from "../hub/subscriber";
import { toCloseReason } from "../wire/encode";
import { parseMaxMessage } from "../wire/message-limit";
import { handshakeProblem } from "./handshake";
import { createHeartbeat } from "./heartbeat";
import { refuseUpgrade } from "./refuse-upgrade";
import { parseStart } from "./stream-options";

export interface UpgradeHandler {
  /** Handles an upgrade request of the data plane. Never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1012 (W8) and refuses new ones the same way. Settles when all are closed; destroys those that are still open after `graceMs`. */
  closeAll(options: { graceMs: number }): Promise<void>;
}

/** The limit of messages, pings and pongs from the client between two pings of the server. Reading them takes time, and no client needs to send any. */
const MESSAGES_MAX = 1000;
/** A handshake whose checks take longer is refused with `database_unavailable`. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const SERVER_OPTIONS = {
  noServer: true,
  clientTracking: false,
  // Frames are encoded once for all clients. A compressed frame would be valid for one client only.
  perMessageDeflate: false,
  // Messages from clients are ignored. A larger one closes the socket with 1009.
  maxPayload: 4096,
  maxFragments: 64,
  // How long the client may take to respond to a close frame, in ms.
  closeTimeout: 10_000,
};

/** Starts the timer of the heartbeat. `closeAll` stops it. */
export function createUpgradeHandler(options: {
  hub: Pick<Hub, "subscribe" | "closeAll">;
  rateLimitPolicy: Pick<RateLimitPolicy, "countAndAuthorize">;
  /** Counts and logs the handshakes (G31, G32). */
  traffic: Pick<Traffic, "note">;
  config: { pingIntervalMs: number; pongTimeoutMs: number; publicUrl?: string };
  log: Pick<Log, "debug" | "error">;
}): UpgradeHandler {
  const { hub, rateLimitPolicy, traffic, config, log } = options;
  const server = new WebSocketServer(SERVER_OPTIONS);
  server.on("wsClientError", (error, socket) => refuseUpgrade(socket, new AppError("upgrade_invalid", { detail: error.message })));
  const heartbeat = createHeartbeat(config);
  const sockets = new Set<Duplex>();
  let onSocketClosed: (() => void) | undefined;

  function track(socket: Duplex): void {
    sockets.add(socket);
    socket.on("error", (error) => log.debug({ err: error }, "a socket failed"));
    socket.once("close", () => {
      sockets.delete(socket);
      onSocketClosed?.();
    });
  }

  async function open(request: {
    handshake: Handshake;
    accessRequest: AccessRequest;
    clientAddress: string;
    parameters: QueryParameters;
    counted: CountedHandshake;
  }): Promise<void> {
    const { handshake, accessRequest, clientAddress, parameters, counted } = request;
    const { headers } = counted.request;
    const timer = setTimeout(() => handshake.refuse(new AppError("database_unavailable")), HANDSHAKE_TIMEOUT_MS);
    try {
      const grant = await rateLimitPolicy.countAndAuthorize(accessRequest, clientAddress, (resolved) => {
        counted.resolved = resolved;
      });
      const start = parseStart(parameters, headers);
      const messageBytesMax = parseMaxMessage(parameters);
      const filter = parseJsonata(parameters);
      let webSocket: WebSocket | undefined;
      const connect = (): Sink | undefined => {
        webSocket = handshake.complete();
        return webSocket && createWebSocketSink({ webSocket, socket: handshake.socket });
      };
      const subscription = await hub.subscribe({ grant, start, transport: "ws", address: clientAddress, messageBytesMax, filter, connect });
      if (webSocket && subscription) {
        attend(webSocket, handshake.socket, subscription);
        traffic.note(counted, 101, 0);
      }
    } catch (error) {
      if (!isAppError(error)) log.error({ err: error }, "could not open a WebSocket");
      const problem = isAppError(error) ? error : new AppError("internal_error");
      handshake.refuse(problem);
      traffic.note({ ...counted, problem }, problem.entry.status, 0);
    } finally {
      clearTimeout(timer);
    }
  }

  function attend(webSocket: WebSocket, socket: Duplex, subscription: Subscription): void {
    let messages = 0;
    const handle = heartbeat.add({
      ping: () => {
        messages = 0;
        if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
        subscription.sendHeartbeat();
      },
      unsentBytes: () => socket.writableLength,
      takenBytes: () => readTakenBytes(socket),
      terminate: () => webSocket.terminate(),
    });
    const onMessage = () => {
      if (++messages > MESSAGES_MAX) subscription.end(new AppError("message_flood"));
    };
    webSocket.on("message", onMessage);
    webSocket.on("ping", onMessage);
    webSocket.on("pong", () => {
      onMessage();
      handle.pong();
    });
    const onClose = () => {
      handle.stop();
      subscription.closed();
    };
    webSocket.on("close", onClose);
    if (webSocket.readyState === webSocket.CLOSED) onClose();
  }

  return {
    upgrade: (request, socket, head) => {
      track(socket);
      const address = parseDataAddress(request.url ?? "");
      if (!address) return refuseUpgrade(socket, new AppError("not_found"));
      const problem = handshakeProblem(request);
      if (problem) return refuseUpgrade(socket, problem.error, problem);
      const parameters = parseQuery(address.query);
      const accessRequest = toAccessRequest({
        address,
        parameters,
        headers: request.headers,
        operation: "subscribe",
        publicUrl: config.publicUrl,
      });
      const handshake = createHandshake({ server, request, socket, head });
      const counted = {
        request,
        requestId: createRequestId(),
        startedAt: performance.now(),
        resolved: undefined,
        problem: undefined,
        written: undefined,
      };
      void open({ handshake, accessRequest, clientAddress: toClientAddress(request), parameters, counted });
    },
    closeAll: async ({ graceMs }) => {
      heartbeat.stop();
      hub.closeAll(new AppError("server_shutdown"));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        onSocketClosed = () => {
          if (sockets.size > 0) return;
          clearTimeout(timer);
          resolve();
        };
        onSocketClosed();
      });
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * The library has already closed the socket with a code that says why. The function is shared: one created for each socket would keep the request and its bytes
 * in memory while the socket is open.
 */
function ignoreError(): void {}

/** A handshake as it is counted. The endpoint follows when it is known. */
type CountedHandshake = Omit<CountedRequest, "resolved" | "request"> & { request: IncomingMessage; resolved: ResolvedEndpoint | undefined };

/** A handshake that can be completed once, or refused once. */
interface Handshake {
  readonly socket: Duplex;
  /** Returns the open WebSocket; undefined if the client has disconnected or was refused already. */
  complete(): WebSocket | undefined;
  /** Completes the handshake if necessary, and closes the socket with the error's code and message (W3). */
  refuse(error: AppError): void;
}

function createHandshake(options: { server: WebSocketServer; request: IncomingMessage; socket: Duplex; head: Buffer }): Handshake {
  const { server, request, socket, head } = options;
  let completed = false;
  let webSocket: WebSocket | undefined;
  const complete = (): WebSocket | undefined => {
    if (completed || socket.destroyed) return undefined;
    completed = true;
    server.handleUpgrade(request, socket, head, (opened) => {
      webSocket = opened;
      opened.on("error", ignoreError);
    });
    return webSocket;
  };
  return {
    socket,
    complete,
    refuse: (error) => {
      complete();
      webSocket?.close(error.entry.close, toCloseReason(error.message));
    },
  };
}

/**
 * A WebSocket as the sink of a subscriber. It writes finished frames to `socket`, the connection below `webSocket`, past the library's own sender. Compression
 * must be off: only then are these frames valid among the library's.
 */
function createWebSocketSink({ webSocket, socket }: { webSocket: WebSocket; socket: Duplex }): Sink {
  return {
    write: (bytes) => {
      // Nothing may follow a close frame.
      if (webSocket.readyState === webSocket.OPEN) socket.write(bytes);
    },
    unsentBytes: () => socket.writableLength,
    takenBytes: () => readTakenBytes(socket),
    writable: () => waitUntilTaken(socket),
    cutOff: () => webSocket.terminate(),
    end: (error) => webSocket.close(error.entry.close, toCloseReason(error.message)),
  };
}
