/** The transport of server-sent events (W12): the response head, heartbeats, shutdown. The events come from the hub. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant } from "@/src/core/access/access";
import { toClientAddress } from "@/src/core/access/client-network";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import { parseJsonata } from "@/src/core/records/parameters";
import { AppError } from "@/src/shared/errors";
import { UNAVAILABLE_RETRY_SECONDS } from "@/src/shared/http/problem";
import type { QueryParameters } from "@/src/shared/http/query";
import type { Subscription } from "../hub/connection";
import type { Hub } from "../hub/hub";
import type { Sink } from "../hub/subscriber";
import { toEvent } from "../wire/encode";
import { parseMaxMessage } from "../wire/message-limit";
import { CURSOR_EVENTS, PLAIN_EVENTS } from "../wire/stream-format";
import { createHeartbeat } from "./heartbeat";
import { parseEventStart } from "./stream-options";

/** An authorized request for a stream. */
export interface EventStreamRequest {
  request: IncomingMessage;
  response: ServerResponse;
  parameters: QueryParameters;
  grant: Grant;
  /** The headers of every response to this request. */
  headers: Readonly<Record<string, string>>;
}

export interface EventStreams {
  /** Responds with a stream. Settles when the stream is open or the client has disconnected. Before the head is sent, throws `cursor_invalid`, `parameter_invalid` and the errors of the hub. */
  open(request: EventStreamRequest): Promise<void>;
  /** Responds to a resuming client that cannot be served now: an event stream with `retry:` and a `close` event with the error's code and message. */
  postpone(refused: { response: ServerResponse; error: AppError; headers: Readonly<Record<string, string>> }): void;
  /** Ends every stream with `server_shutdown` and refuses new ones. Settles when all are closed; destroys those that are still open after `graceMs`. */
  closeAll(options: { graceMs: number }): Promise<void>;
}

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  // Proxies such as nginx would otherwise buffer events until they have some kilobytes.
  "X-Accel-Buffering": "no",
  // Nothing can follow a stream on its connection.
  Connection: "close",
};

/** Starts the timer of the heartbeats. `closeAll` stops it. */
export function createEventStreams(options: {
  hub: Pick<Hub, "subscribe" | "closeAll">;
  config: { pingIntervalMs: number; pongTimeoutMs: number };
}): EventStreams {
  const { hub, config } = options;
  const heartbeat = createHeartbeat(config);
  const open = new Set<ServerResponse>();

  function begin({ response, headers }: EventStreamRequest): Sink | undefined {
    if (response.destroyed) return undefined;
    open.add(response);
    // Clients do not respond to heartbeats here, but they must take the bytes of each one.
    response.setTimeout(config.pingIntervalMs + config.pongTimeoutMs, () => response.destroy());
    response.writeHead(200, { ...headers, ...HEADERS });
    response.flushHeaders();
    return createEventSink(response);
  }

  function attend(response: ServerResponse, subscription: Subscription): void {
    const handle = heartbeat.add({
      ping: () => {
        handle.pong();
        subscription.sendHeartbeat();
      },
      // The timeout of the response ends a stream whose client takes no bytes.
      unsentBytes: () => 0,
      takenBytes: () => 0,
      terminate: () => response.destroy(),
    });
    const onClose = () => {
      open.delete(response);
      handle.stop();
      subscription.closed();
    };
    response.on("close", onClose);
    if (response.destroyed) onClose();
  }

  return {
    open: async (request) => {
      const { parameters, grant, response } = request;
      const start = parseEventStart(parameters, request.request.headers);
      const format = parameters.has("since") ? CURSOR_EVENTS : PLAIN_EVENTS;
      const messageBytesMax = parseMaxMessage(parameters);
      const filter = parseJsonata(parameters);
      const address = toClientAddress(request.request);
      const connect = () => begin(request);
      const subscription = await hub.subscribe({ grant, start, transport: "sse", address, format, messageBytesMax, filter, connect });
      if (subscription) attend(response, subscription);
    },
    postpone: ({ response, error, headers }) => {
      const retryMs = Math.ceil(error.retryAfterSeconds ?? UNAVAILABLE_RETRY_SECONDS) * 1_000;
      response.writeHead(200, { ...headers, ...HEADERS });
      response.end(toCloseEvent(error, retryMs));
    },
    closeAll: async ({ graceMs }) => {
      heartbeat.stop();
      hub.closeAll(new AppError("server_shutdown"));
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, graceMs);
      });
      await Promise.race([timeout, Promise.all([...open].map(toClosed))]);
      clearTimeout(timer);
      for (const response of open) response.destroy();
    },
  };
}

function toClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once("close", () => resolve()));
}

/** A response of server-sent events as the sink of a subscriber. The response's head must have been written. */
export function createEventSink(response: ServerResponse): Sink {
  return {
    write: (bytes) => {
      if (response.writableEnded || response.destroyed) return;
      // Without this, Node.js would hold the bytes back until the end of the tick, and they would count as unsent.
      const { socket } = response;
      socket?.cork();
      response.write(bytes);
      socket?.uncork();
    },
    unsentBytes: () => response.writableLength,
    takenBytes: () => readTakenBytes(response.socket),
    // The response has its connection to itself, and passes every write on to it.
    writable: async () => {
      if (response.socket !== null) await waitUntilTaken(response.socket);
    },
    cutOff: () => response.destroy(),
    end: (error) => {
      if (response.writableEnded || response.destroyed) return;
      response.end(toCloseEvent(error));
    },
  };
}

/** The event that ends a stream (W12). `retryMs`: the time after which the client may reconnect. */
function toCloseEvent(error: AppError, retryMs?: number): Buffer {
  const data = JSON.stringify({ code: error.entry.close, reason: error.message });
  return toEvent({ event: "close", data, ...(retryMs === undefined ? {} : { retryMs }) });
}
