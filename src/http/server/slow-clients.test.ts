/** Responses and bodies of slow clients, over real sockets and with a clock of the test. */
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { readTakenBytes } from "@/src/core/limits/taken-bytes";
import { sendPieces } from "@/src/http/reply/send-pieces";
import { createSlowClients } from "@/src/http/server/slow-clients";
import { until } from "@/tests/support/until";

const MB = 1024 * 1024;
/** More than the operating system buffers for a client that does not read. */
const LARGE = Buffer.alloc(64 * MB);

let server: http.Server | undefined;
let client: net.Socket | undefined;

afterEach(() => {
  client?.destroy();
  server?.closeAllConnections();
  server?.close();
});

/** A request whose response has not started, and what the client does. */
async function open(text: string) {
  let time = 0;
  const slowClients = createSlowClients({ now: () => time });
  server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = once(server, "request") as Promise<[IncomingMessage, ServerResponse]>;
  const socket = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
  client = socket;
  socket.on("error", () => undefined);
  socket.write(text);
  const [request, response] = await arrived;
  request.on("error", () => undefined);
  return {
    slowClients,
    socket,
    request,
    response,
    pass: (seconds: number) => {
      time += seconds * 1000;
      slowClients.sweep();
    },
  };
}

const GET = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const toPost = (length: number) => `POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\n`;

describe("answers", () => {
  /** Sends more than the client reads, and settles when the operating system accepts no more of it. */
  async function sendLarge(response: ServerResponse): Promise<void> {
    void sendPieces(response, LARGE);
    const { socket } = response;
    let [before, unchanged] = [-1, 0];
    await until("the system takes no more", () => {
      const taken = socket ? socket.bytesWritten - socket.writableLength : 0;
      unchanged = taken === before && socket?.writableLength ? unchanged + 1 : 0;
      before = taken;
      return unchanged === 10;
    });
  }

  it("[R16] a client that reads nothing is disconnected after half a minute, and not before", async () => {
    const { slowClients, request, response, pass } = await open(GET);
    slowClients.watchAnswer(request, response);
    await sendLarge(response);
    pass(5);
    pass(29);
    expect(request.socket.destroyed).toBe(false);
    pass(1);
    expect(request.socket.destroyed).toBe(true);
  });

  it("[R16] a client that reads less than 8 KiB a second is disconnected; a faster one is not", async () => {
    const { slowClients, socket, request, response, pass } = await open(GET);
    slowClients.watchAnswer(request, response);
    await sendLarge(response);
    const taken = () => request.socket.bytesWritten - request.socket.writableLength;
    pass(5);
    const before = taken();
    let received = 0;
    const onData = (chunk: Buffer) => {
      received += chunk.byteLength;
      if (taken() - before > MB) socket.pause();
    };
    socket.on("data", onData);
    await until("a megabyte more was taken", () => taken() - before > MB);
    socket.pause();
    expect(received).toBeGreaterThan(0);
    pass(30);
    expect(request.socket.destroyed).toBe(false);
    pass(30_000);
    expect(request.socket.destroyed).toBe(true);
  });

  it("[R16] a part of one long write counts, too", async () => {
    const { slowClients, socket, request, response, pass } = await open(GET);
    slowClients.watchAnswer(request, response);
    response.end(LARGE);
    await until("the system takes no more", () => request.socket.writableLength > 0 && readTakenBytes(request.socket) > 0);
    pass(5);
    const before = readTakenBytes(request.socket);
    socket.on("data", () => {
      if (readTakenBytes(request.socket) - before > MB) socket.pause();
    });
    await until("a megabyte more was taken", () => readTakenBytes(request.socket) - before > MB);
    pass(30);
    expect(request.socket.destroyed).toBe(false);
    pass(30_000);
    expect(request.socket.destroyed).toBe(true);
  });

  it("[R16] after a stream that could not be opened, the next responses of the connection are watched again", async () => {
    const { slowClients, request, response, pass } = await open(GET);
    slowClients.watchAnswer(request, response);
    const listeners = request.socket.listenerCount("close");
    for (let attempt = 0; attempt < 20; attempt += 1) {
      slowClients.forget(request.socket);
      slowClients.watchAnswer(request, response);
    }
    expect(request.socket.listenerCount("close")).toBe(listeners);
    await sendLarge(response);
    pass(5);
    pass(30);
    expect(request.socket.destroyed).toBe(true);
  });

  it("[R16] time without anything to send does not count; a stream is not watched", async () => {
    const { slowClients, request, response, pass } = await open(GET);
    slowClients.watchAnswer(request, response);
    response.flushHeaders();
    for (let minute = 0; minute < 10; minute += 1) pass(60);
    expect(request.socket.destroyed).toBe(false);
    slowClients.forget(request.socket);
    await sendLarge(response);
    for (let minute = 0; minute < 10; minute += 1) pass(60);
    expect(request.socket.destroyed).toBe(false);
  });

  it("[R16] the server does not wait for the rest of a request that has its response", async () => {
    const { slowClients, request, response, pass } = await open(`${toPost(1000)}x`);
    slowClients.watchAnswer(request, response);
    response.end("no");
    await once(response, "finish");
    pass(5);
    expect(request.socket.destroyed).toBe(false);
    pass(5);
    expect(request.socket.destroyed).toBe(true);
  });
});

describe("bodies", () => {
  it("[R16] one that arrives too slowly is given up once; one that arrives is not", async () => {
    const { slowClients, socket, request, pass } = await open(toPost(MB));
    let slow = 0;
    slowClients.watchBody(request, { timeoutMs: 600_000, onSlow: () => (slow += 1) });
    request.resume();
    pass(5);
    for (let window = 0; window < 2; window += 1) {
      const { bytesRead } = request.socket;
      socket.write(Buffer.alloc(300_000));
      await until("a part has arrived", () => request.socket.bytesRead >= bytesRead + 300_000);
      pass(30);
      expect(slow).toBe(0);
    }
    socket.write(Buffer.alloc(1000));
    pass(30);
    pass(30);
    expect(slow).toBe(1);
  });

  it("[R16] time in which the server does not read is not the client's; the whole has a time of its own", async () => {
    const { slowClients, request, pass } = await open(`${toPost(MB)}x`);
    let slow = 0;
    slowClients.watchBody(request, { timeoutMs: 600_000, onSlow: () => (slow += 1) });
    request.pause();
    for (let minute = 0; minute < 9; minute += 1) pass(60);
    expect(slow).toBe(0);
    pass(60);
    expect(slow).toBe(1);
  });

  it("[R16] a body that is no longer watched is not ended", async () => {
    const { slowClients, request, pass } = await open(toPost(MB));
    let slow = 0;
    const stop = slowClients.watchBody(request, { timeoutMs: 1000, onSlow: () => (slow += 1) });
    stop();
    pass(60);
    expect(slow).toBe(0);
  });
});
