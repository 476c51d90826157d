/** A WebSocket as the sink of a subscriber: writes ready-made frames past the library's own sender. It must not queue. */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import type { Sink } from "../hub/subscriber";
import { toCloseReason } from "../wire/close-reason";

/** `socket` is the connection below `webSocket`, whose compression must be off: only then are our frames valid among its own. */
export function createWebSocketSink({ webSocket, socket }: { webSocket: WebSocket; socket: Duplex }): Sink {
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
