/** Tests the limits of streams: slow readers, silent and noisy clients, shutdown (W7, W8). */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { connectRaw } from "@/tests/support/clients/raw-http";
import { openRawStream } from "@/tests/support/clients/raw-stream";
import type { ServerFrame } from "@/tests/support/clients/read-frames";
import { createRealtimeServer, type RealtimeServer, type RealtimeServerOptions } from "@/tests/support/servers/realtime-server";
import { until } from "@/tests/support/until";

let server: RealtimeServer;
afterEach(() => server.close());

async function setUp(options: RealtimeServerOptions = {}) {
  server = await createRealtimeServer(options);
  const seed = await server.seed();
  const write = async (data: string) => {
    const id = randomUUID().replaceAll("-", "");
    await server.records.commit(seed.endpointId, [{ type: "POST", id, contentType: "json", data: JSON.stringify(data) }]);
    return id;
  };
  return { seed, write };
}

const closeOf = (frames: readonly ServerFrame[]) => frames.at(-1);

describe("pipelines", () => {
  it("[W21] event streams that are requested behind another one are dropped when their connection has closed", async () => {
    const { seed } = await setUp({ streams: { perKey: 2 } });
    const request = `GET ${seed.path} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n`;
    for (let round = 0; round < 3; round += 1) {
      const { socket } = await connectRaw(server.port, request.repeat(2));
      await until("the first is open", () => server.hub.subscriberCount(seed.endpointId) > 0);
      // When a later request has its response, the second request has been processed.
      expect((await fetch(`${server.httpOrigin}${seed.path}`)).status).toBe(200);
      socket.destroy();
      await until("both have gone", () => server.hub.subscriberCount(seed.endpointId) === 0);
    }
  });
});

describe("slow readers", () => {
  it("[W7] one that stops reading is closed with 1013; the other receives everything without delay", async () => {
    const { seed, write } = await setUp({ queueBytesMax: 262_144 });
    const slow = await openRawStream(server.port, seed.path);
    slow.socket.pause();
    const fast = await server.connect(seed.path);
    const ids: string[] = [];
    while (server.hub.subscriberCount(seed.endpointId) === 2) {
      expect(ids.length).toBeLessThan(500);
      ids.push(await write("x".repeat(100_000)));
      await fast.take(ids.length);
    }
    ids.push(await write("after"));
    expect((await fast.take(ids.length)).map(({ record }) => record?.uniqueId)).toEqual(ids);

    const frames = await slow.ended();
    expect(closeOf(frames)).toEqual({ kind: "close", code: 1013, reason: "This client reads too slowly. Connect again and read faster." });
    // The client received the beginning without a gap.
    const heard = frames.flatMap((frame) => (frame.kind === "text" ? [JSON.parse(frame.text).record.uniqueId] : []));
    expect(heard).toEqual(ids.slice(0, heard.length));
    expect(heard.length).toBeLessThan(ids.length);
  });

  it("[W7] a record that is larger than the limit reaches clients that read", async () => {
    const { seed, write } = await setUp({ queueBytesMax: 65_536 });
    const client = await server.connect(seed.path);
    const id = await write("x".repeat(500_000));
    expect((await client.at(0)).record?.uniqueId).toBe(id);
  });

  it("[W9] a replay follows the client's pace", async () => {
    const { seed, write } = await setUp({ queueBytesMax: 65_536 });
    const first = await server.connect(`${seed.path}&since=now`);
    const { cursor } = await first.at(0);
    const ids: string[] = [];
    for (let i = 0; i < 100; i++) ids.push(await write("x".repeat(100_000)));
    const slow = await openRawStream(server.port, `${seed.path}&since=${cursor}`);
    slow.socket.pause();
    await server.hub.poll();
    const [connection] = [...server.hub.connections()].filter(({ replayedTo }) => replayedTo !== undefined);
    // The limit may be exceeded by the server's socket buffer and one record.
    expect(connection?.backlogBytes).toBeLessThan(65_536 + 200_000);
    slow.socket.resume();
    while (slow.frames().length < 101) await new Promise((resolve) => slow.socket.once("data", resolve));
    const heard = slow.frames().flatMap((frame) => (frame.kind === "text" ? [JSON.parse(frame.text).record?.uniqueId] : []));
    expect(heard).toEqual([undefined, ...ids]);
    slow.socket.destroy();
  });
});

describe("heartbeat", () => {
  it("[W8] a client that does not answer pings is closed; one that does stays", async () => {
    const { seed, write } = await setUp({ pingIntervalMs: 50, pongTimeoutMs: 500 });
    const alive = await server.connect(seed.path);
    let pings = 0;
    alive.webSocket.on("ping", () => pings++);
    const silent = await server.connect(seed.path, { autoPong: false });
    expect((await silent.closed).code).toBe(1006);
    expect(pings).toBeGreaterThan(1);
    await until("the silent one is forgotten", () => server.hub.subscriberCount(seed.endpointId) === 1);
    const id = await write("alive");
    expect((await alive.at(0)).record?.uniqueId).toBe(id);
  });

  it("[W9] in resumable mode BEAT is sent with each ping, with the cursor; a plain client gets none", async () => {
    const { seed, write } = await setUp({ pingIntervalMs: 50 });
    const plain = await server.connect(seed.path);
    const client = await server.connect(`${seed.path}&since=now`);
    const [ready, beat] = await client.take(2);
    expect(beat).toEqual({ type: "BEAT", cursor: ready?.cursor });
    await write("x");
    let at = 2;
    while ((await client.at(at)).type === "BEAT") at++;
    const change = await client.at(at);
    expect(await client.at(at + 1)).toEqual({ type: "BEAT", cursor: change.cursor });
    expect((await plain.take(1)).map(({ type }) => type)).toEqual(["POST"]);
  });
});

describe("messages from clients", () => {
  it("[W8] are ignored, up to 4 KiB", async () => {
    const { seed, write } = await setUp();
    const client = await server.connect(seed.path);
    for (const message of ["hello", '{"type":"POST"}', "x".repeat(4096), Buffer.alloc(4096)]) client.webSocket.send(message);
    const ponged = new Promise((resolve) => client.webSocket.once("pong", resolve));
    client.webSocket.ping();
    await ponged;
    const id = await write("x");
    expect((await client.take(1)).map(({ record }) => record?.uniqueId)).toEqual([id]);
  });

  it("[W8] over 4 KiB close with 1009, even in fragments", async () => {
    const { seed } = await setUp();
    const [whole, pieces] = [await server.connect(seed.path), await server.connect(seed.path)];
    whole.webSocket.send("x".repeat(4097));
    pieces.webSocket.send("x".repeat(4000), { fin: false });
    pieces.webSocket.send("x".repeat(97), { fin: true });
    expect([(await whole.closed).code, (await pieces.closed).code]).toEqual([1009, 1009]);
  });

  it("[W8] a flood of them closes with 1008", async () => {
    const { seed } = await setUp();
    const [noisy, calm] = [await server.connect(seed.path), await server.connect(seed.path)];
    for (let i = 0; i < 2_000; i++) noisy.webSocket.send("x");
    expect(await noisy.closed).toEqual({
      code: 1008,
      reason: "Client messages are ignored, and this client sends too many of them.",
    });
    expect(calm.webSocket.readyState).toBe(WebSocket.OPEN);
  });

  it("[W8] a flood of pings, whose responses would accumulate, ends the socket", async () => {
    const { seed } = await setUp();
    const [noisy, calm] = [await server.connect(seed.path), await server.connect(seed.path)];
    for (let i = 0; i < 2_000; i++) noisy.webSocket.ping();
    await noisy.closed;
    expect(calm.webSocket.readyState).toBe(WebSocket.OPEN);
  });
});

describe("shutdown", () => {
  it("[W8] closes every socket with 1012 after sending its queue, and also new sockets", async () => {
    const { seed, write } = await setUp();
    const clients = await Promise.all([server.connect(seed.path), server.connect(`${seed.path}&since=now`)]);
    const id = await write("the last one");
    await server.closeStreams();
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1012, reason: "The server is restarting. Connect again." });
      expect(client.texts.at(-1)).toContain(id);
    }
    const late = await server.connect(seed.path);
    expect((await late.closed).code).toBe(1012);
  });

  it("[W8] cuts off clients that do not close within the grace period", async () => {
    const { seed } = await setUp();
    const deaf = await openRawStream(server.port, seed.path);
    const closed = server.closeStreams(50);
    expect(closeOf(await deaf.ended())).toMatchObject({ kind: "close", code: 1012 });
    await closed;
  });
});

describe("many streams", () => {
  it.each([
    ["this server", { total: 2 }],
    ["this account", { perAccount: 2 }],
    ["this key", { perKey: 2 }],
    ["this address", { perAddress: 2 }],
  ])("[W21] beyond the limit of %s a further one is closed with 1013 and the reason; open ones stay", async (what, streams) => {
    const { seed, write } = await setUp({ streams });
    const [first, second] = [await server.connect(seed.path), await server.connect(seed.path)];
    const third = await server.connect(seed.path);
    const reason = `Too many open streams: the limit for ${what} is 2. Close some, then connect again.`;
    expect(await third.closed).toEqual({ code: 1013, reason });
    const id = await write("x");
    expect((await first.at(0)).record?.uniqueId).toBe(id);
    await second.close();
    await until("its place is free", () => server.hub.subscriberCount(seed.endpointId) === 1);
    const fourth = await server.connect(seed.path);
    await write("y");
    expect((await fourth.at(0)).record?.data).toBe("y");
  });

  it("[W21] [W3] refused ones do not count, regardless of their number", async () => {
    const { seed } = await setUp({ streams: { total: 1 } });
    for (let count = 0; count < 5; count++) {
      const refused = await server.connect(`${seed.path}x`);
      expect((await refused.closed).code).toBe(4000);
      const gone = await server.connect(`${seed.path}&since=nonsense`);
      expect((await gone.closed).code).toBe(4000);
    }
    const client = await server.connect(`${seed.path}&since=now`);
    expect((await client.at(0)).type).toBe("READY");
  });
});
