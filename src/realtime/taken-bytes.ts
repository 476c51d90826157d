/** How many bytes of a socket the operating system has taken: what tells a client that reads slowly from one that does not read. */
import type { Duplex } from "node:stream";

/**
 * Rises when bytes were taken, be they a part of a long write; only differences mean anything. Streams of Node count whole writes alone, hence this looks
 * at the handle, as Node's own socket timeout does. Zero once the socket is closed.
 */
export function readTakenBytes(socket: Duplex | null): number {
  const outer: unknown = socket === null ? undefined : Reflect.get(socket, "_handle");
  if (typeof outer !== "object" || outer === null) return 0;
  // Under TLS the connection has a handle of its own; what is above it counts whole writes.
  const inner: unknown = Reflect.get(outer, "_parent");
  const handle = typeof inner === "object" && inner !== null ? inner : outer;
  const [written, waiting]: unknown[] = [Reflect.get(handle, "bytesWritten"), Reflect.get(handle, "writeQueueSize")];
  return typeof written === "number" && typeof waiting === "number" ? written - waiting : 0;
}

const NOTHING = Buffer.alloc(0);

/** Settles when everything that was written has been taken, or the socket has ended. */
export function waitUntilTaken(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.writableLength === 0) return resolve();
    const settle = () => {
      socket.off("drain", settle);
      socket.off("close", settle);
      resolve();
    };
    socket.on("close", settle);
    if (socket.writableNeedDrain) socket.on("drain", settle);
    // Below its high-water mark a stream announces nothing. Writes are taken in order.
    else socket.write(NOTHING, settle);
  });
}
