/** Reads how many bytes of a socket the operating system has accepted. This distinguishes a client that reads slowly from one that does not read. */
import type { Duplex } from "node:stream";

/**
 * A counter that increases when the operating system accepts bytes, even a part of a long write. Only differences are meaningful. Node's streams
 * count whole writes only, so this reads the handle, as Node's own socket timeout does. With TLS it reads the underlying connection, which has the
 * encrypted bytes. Returns 0 once the socket is closed.
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

/** Settles when all written bytes were accepted, or when the socket has closed. */
export function waitUntilTaken(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.writableLength === 0) return resolve();
    const settle = () => {
      socket.off("drain", settle);
      socket.off("close", settle);
      resolve();
    };
    socket.on("close", settle);
    // An ended stream accepts no more writes: a write would destroy it and lose the remaining bytes.
    if (socket.writableEnded) return;
    if (socket.writableNeedDrain) socket.on("drain", settle);
    // Below its high-water mark a stream emits no event. Writes are processed in order.
    else socket.write(NOTHING, settle);
  });
}
