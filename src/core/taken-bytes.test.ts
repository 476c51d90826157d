/** What the operating system takes of a socket whose client reads slowly, with and without TLS. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { generate } from "selfsigned";
import { afterEach, describe, expect, it } from "vitest";
import { readTakenBytes, waitUntilTaken } from "@/src/core/taken-bytes";
import { until } from "@/tests/support/until";

const MB = 1024 * 1024;
/** More than the system takes for a client that does not read. */
const LARGE = Buffer.alloc(64 * MB);

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A connection whose client reads nothing yet. */
async function connect({ isTls = false }: { isTls?: boolean } = {}) {
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }]);
  const server = isTls ? tls.createServer({ cert, key }) : net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = once(server, isTls ? "secureConnection" : "connection") as Promise<[net.Socket]>;
  const { port } = server.address() as AddressInfo;
  const options = { port, host: "127.0.0.1" };
  const client = isTls ? tls.connect({ ...options, rejectUnauthorized: false }) : net.connect(options);
  client.on("error", () => undefined);
  const [socket] = await arrived;
  ends.push(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { socket, client };
}

describe("what was taken", () => {
  it.each([false, true])("[W7] rises while a client reads a part of one long write (TLS: %s)", async (isTls) => {
    const { socket, client } = await connect({ isTls });
    socket.write(LARGE);
    await until("something was taken", () => readTakenBytes(socket) > 0);
    const before = readTakenBytes(socket);
    client.resume();
    await until("more was taken", () => readTakenBytes(socket) - before > MB);
    expect(socket.writableLength).toBe(LARGE.byteLength);
  });

  it("[W7] an ended connection is waited for, and what is on its way still arrives", async () => {
    const { socket, client } = await connect();
    const errors: unknown[] = [];
    socket.on("error", (error) => errors.push(error));
    socket.end(LARGE);
    const taken = waitUntilTaken(socket);
    let received = 0;
    client.on("data", (chunk: Buffer) => {
      received += chunk.byteLength;
    });
    await taken;
    await until("all has arrived", () => received === LARGE.byteLength);
    expect(errors).toEqual([]);
  });
});
