/** How many bytes of a socket the operating system has taken: what tells a client that reads slowly from one that does not read. */
import type { Duplex } from "node:stream";

/**
 * Rises when bytes were taken, be they a part of a long write; only differences mean anything. Streams of Node count whole writes alone, hence this looks
 * at the handle, as Node's own socket timeout does; with TLS at the connection below, which has the encrypted bytes. Zero once the socket is closed.
 */
export function readTakenBytes(socket: Duplex | null): number {
  const handle = socket === null ? undefined : readObject(socket, "_handle");
  if (handle === undefined) return 0;
  const connection = readObject(handle, "_parent") ?? handle;
  const [written, waiting]: unknown[] = [Reflect.get(connection, "bytesWritten"), Reflect.get(connection, "writeQueueSize")];
  return typeof written === "number" && typeof waiting === "number" ? written - waiting : 0;
}

function readObject(target: object, name: string): object | undefined {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "object" && value !== null ? value : undefined;
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
    // An ended stream takes no more writes: one would destroy it, and drop what is still on its way.
    if (socket.writableEnded) return;
    if (socket.writableNeedDrain) socket.on("drain", settle);
    // Below its high-water mark a stream announces nothing. Writes are taken in order.
    else socket.write(NOTHING, settle);
  });
}
