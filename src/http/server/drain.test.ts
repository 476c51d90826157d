/** The rest of refused bodies is dropped at a rate that all of them share, over real sockets. */
import { once } from "node:events";
import http, { type Server } from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { respond } from "@/src/http/reply/respond";
import { createDrain, type DrainOptions } from "@/src/http/server/drain";
import { until } from "@/tests/support/until";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Refuses every body at once. */
async function serve(options: DrainOptions) {
  const drain = createDrain(options);
  const sockets: Socket[] = [];
  let finished = 0;
  server = http.createServer((request, response) => {
    response.once("finish", () => {
      finished += 1;
    });
    respond({ request, response, drain }, { status: 413, headers: {}, body: "too large", close: true });
  });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    /** Sends a body from a made-up address; settles with the response. */
    post: async (bytes: number, address: string) => {
      const headers = { "Content-Length": bytes, "X-Forwarded-For": address };
      const request = http.request({ port, host: "127.0.0.1", method: "POST", headers, agent: false });
      request.on("error", () => undefined);
      request.end(Buffer.alloc(bytes));
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      return { status: response.statusCode, text: await text(response).catch(() => "cut off") };
    },
    /** Sends a whole body before it reads. Settles with all that was received. */
    sendAll: async (bytes: number, address: string) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.write(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${bytes}\r\nX-Forwarded-For: ${address}\r\n\r\n`);
      await new Promise<void>((resolve) => socket.write(Buffer.alloc(bytes), () => resolve()));
      return text(socket);
    },
    areClosed: () => sockets.length > 0 && sockets.every((socket) => socket.destroyed),
    countRead: () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    countFinished: () => finished,
  };
}

const KIB = 1024;

describe("the rest of a refused body", () => {
  it("[R16] many at once: each sender gets its response, and together they are read at the rate", async () => {
    const { post, areClosed, countRead, countFinished } = await serve({ drainMs: 300, bytesPerSecond: 64 * KIB });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => post(4 * 1024 * KIB, `10.0.0.${n}`)));
    expect(answers).toEqual(Array.from({ length: 8 }, () => ({ status: 413, text: "too large" })));
    await until("the rest is cut off", areClosed);
    expect(countFinished()).toBe(0);
    // The bytes in buffers, of 32 MiB.
    expect(countRead()).toBeLessThan(4 * 1024 * KIB);
  });

  it("[R16] more than the rate: they wait for their turn, and each is read to its end", async () => {
    const { sendAll, countFinished } = await serve({ bytesPerSecond: 4 * 1024 * KIB });
    const answers = await Promise.all(["10.0.0.1", "10.0.0.1", "10.0.0.2"].map((address) => sendAll(3 * 1024 * KIB, address)));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 413 .*too large$/s);
    expect(countFinished()).toBe(3);
  });

  it("[R16] longer than the maximum: the connection is cut", async () => {
    const { post, areClosed, countFinished } = await serve({ bodyBytesMax: 256 * KIB, bytesPerSecond: 64 * 1024 * KIB });
    expect((await post(8 * 1024 * KIB, "10.0.0.1")).status).toBe(413);
    await until("it is cut off", areClosed);
    expect(countFinished()).toBe(0);
  });
});
