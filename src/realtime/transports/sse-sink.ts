/** A response of server-sent events as the sink of a subscriber. It must not queue, nor send the head. */
import type { ServerResponse } from "node:http";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import type { AppError } from "@/src/shared/errors";
import type { Sink } from "../hub/subscriber";
import { toEvent } from "../wire/event";

/** The response's head must have been written. */
export function createEventSink(response: ServerResponse): Sink {
  return {
    write: (bytes) => {
      if (!response.writableEnded && !response.destroyed) response.write(bytes);
    },
    unsentBytes: () => response.writableLength,
    takenBytes: () => readTakenBytes(response.socket),
    // The response has its connection for itself, and hands every write on to it.
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

/** The event that ends a stream (W12). `retryMs`: when to come again. */
export function toCloseEvent(error: AppError, retryMs?: number): Buffer {
  const data = JSON.stringify({ code: error.entry.close, reason: error.message });
  return toEvent({ event: "close", data, ...(retryMs === undefined ? {} : { retryMs }) });
}
