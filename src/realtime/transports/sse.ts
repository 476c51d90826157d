/** The transport of server-sent events (W12): the head, signs of life, shutdown. It must not decide access, nor know changes or the log; events come from the hub. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Grant } from "@/src/core/access/access";
import { toClientAddress } from "@/src/core/access/client-network";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import { parseJsonata } from "@/src/core/records/parameters";
import { AppError } from "@/src/shared/errors";
import { UNAVAILABLE_RETRY_SECONDS } from "@/src/shared/streams/protocol";
import type { Subscription } from "../hub/connection";
import type { Hub } from "../hub/hub";
import type { Sink } from "../hub/subscriber";
import { toEvent } from "../wire/encode";
import { parseMaxMessage } from "../wire/message-limit";
import { CURSOR_EVENTS, PLAIN_EVENTS } from "../wire/stream-format";
import { createHeartbeat } from "./heartbeat";
import { parseEventStart } from "./stream-options";

/** A request for a stream that was granted. */
export interface EventStreamRequest {
  request: IncomingMessage;
  response: ServerResponse;
  parameters: URLSearchParams;
  grant: Grant;
  /** Those that every answer to this request has. */
  headers: Readonly<Record<string, string>>;
}

export interface EventStreams {
  /** Answers with a stream. Settles when it is open, or the client has gone; raises, while no head was sent, what the hub raises, `cursor_invalid`, `parameter_invalid`. */
  open(request: EventStreamRequest): Promise<void>;
  /** Answers who goes on with a stream, and can't be served now, with a stream that ends at once with the error's code and message, and says when to come again. */
  postpone(refused: { response: ServerResponse; error: AppError; headers: Readonly<Record<string, string>> }): void;
  /** Ends every stream with `server_shutdown`, refuses new ones, and settles when all have gone; those that are still there after `graceMs` are cut off. */
  closeAll(options: { graceMs: number }): Promise<void>;
}

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  // Proxies of nginx's kind would hold back events until they have some kilobytes.
  "X-Accel-Buffering": "no",
  // What would come after a stream on its connection would come from a client that is gone.
  Connection: "close",
};

/** Starts the timer of the signs of life; `closeAll` ends it. */
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
    // Nothing answers a ping here, but every sign of life has to be taken.
    response.setTimeout(config.pingIntervalMs + config.pongTimeoutMs, () => response.destroy());
    response.writeHead(200, { ...headers, ...HEADERS });
    response.flushHeaders();
    return createEventSink(response);
  }

  function attend(response: ServerResponse, subscription: Subscription): void {
    const beating = heartbeat.add({
      ping: () => {
        beating.pong();
        subscription.beat();
      },
      // The timeout of the response is what ends one that takes nothing.
      unsentBytes: () => 0,
      takenBytes: () => 0,
      terminate: () => response.destroy(),
    });
    const onClose = () => {
      open.delete(response);
      beating.stop();
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
function createEventSink(response: ServerResponse): Sink {
  return {
    write: (bytes) => {
      if (!response.writableEnded && !response.destroyed) response.write(bytes);
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
