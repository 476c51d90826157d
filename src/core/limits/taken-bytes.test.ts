/** Tests that the bytes a client reads are visible during a long write, with and without TLS. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, it } from "vitest";
import { readTakenBytes, waitUntilTaken } from "@/src/core/limits/taken-bytes";
import { until } from "@/tests/support/until";

/** More than the operating system buffers for a client that reads nothing. */
const BYTES = 32_000_000;

async function open(isSecure: boolean): Promise<{ socket: net.Socket; client: net.Socket; close(): void }> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }]);
  const server = isSecure ? tls.createServer({ cert, key }) : net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, isSecure ? "secureConnection" : "connection");
  const { port } = server.address() as AddressInfo;
  const at = { port, host: "127.0.0.1" };
  const client = isSecure ? tls.connect({ ...at, rejectUnauthorized: false }) : net.connect(at);
  const [socket]: net.Socket[] = await accepted;
  if (!socket) throw new Error("no connection");
  for (const each of [socket, client]) each.on("error", () => undefined);
  client.pause();
  const close = () => {
    client.destroy();
    server.close();
  };
  return { socket, client, close };
}

describe.each([
  ["plain", false],
  ["TLS", true],
])("over %s sockets", (_, isSecure) => {
  it("[W7] increases with every part of one write that the client reads", async () => {
    const { socket, client, close } = await open(isSecure);
    socket.write(Buffer.alloc(BYTES));
    let before = -1;
    await until("the operating system takes no more", () => {
      const taken = readTakenBytes(socket);
      const isSame = taken === before;
      before = taken;
      return isSame;
    });
    await until("something was taken", () => {
      // A small part at a time.
      client.once("data", () => client.pause());
      client.resume();
      return readTakenBytes(socket) > before;
    });
    expect(socket.writableLength).toBe(BYTES);
    client.removeAllListeners("data");
    client.resume();
    await waitUntilTaken(socket);
    expect(socket.writableLength).toBe(0);
    close();
  });

  it("[W7] waits for an ended connection, and the remaining bytes still arrive", async () => {
    const { socket, client, close } = await open(isSecure);
    const errors: unknown[] = [];
    socket.on("error", (error) => errors.push(error));
    socket.end(Buffer.alloc(BYTES));
    const taken = waitUntilTaken(socket);
    let received = 0;
    client.on("data", (chunk: Buffer) => {
      received += chunk.byteLength;
    });
    client.resume();
    await taken;
    await until("all has arrived", () => received === BYTES);
    expect(errors).toEqual([]);
    close();
  });
});
