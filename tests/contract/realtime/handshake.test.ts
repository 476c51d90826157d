/** Tests invalid and interrupted handshakes: they get a clear response, and do not affect other clients (W14). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectRaw, parseRaw } from "@/tests/support/clients/raw-http";
import { openRawStream, toClientFrame, toHandshake } from "@/tests/support/clients/raw-stream";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { until } from "@/tests/support/until";

let server: RealtimeServer;
let seed: Seed;
let bystander: StreamClient;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

beforeEach(async () => {
  seed = await server.seed();
  bystander = await server.connect(seed.path);
});
// After each test, the process is alive and other clients receive the next change.
afterEach(async () => {
  const heard = bystander.texts.length;
  const id = await server.post(seed, "still here");
  expect((await bystander.take(heard + 1)).at(-1)?.record?.uniqueId).toBe(id);
  expect(server.logged.filter((line) => line.startsWith("error"))).toEqual([]);
});

async function ask(request: string) {
  const raw = await connectRaw(server.port, request);
  return parseRaw(await raw.closed());
}

const KEY_LINE = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

describe("refused with HTTP", () => {
  it.each<[string, (handshake: string) => string]>([
    ["no Sec-WebSocket-Key", (text) => text.replace(`${KEY_LINE}\r\n`, "")],
    ["a broken Sec-WebSocket-Key", (text) => text.replace(KEY_LINE, "Sec-WebSocket-Key: nonsense")],
    ["a Sec-WebSocket-Key of bytes beyond ASCII", (text) => text.replace(KEY_LINE, "Sec-WebSocket-Key: \u00ff\u00fe==")],
    ["another method", (text) => text.replace("GET", "POST")],
    ["a broken list of protocols", (text) => text.replace(KEY_LINE, `${KEY_LINE}\r\nSec-WebSocket-Protocol: a,,b`)],
    ["a protocol twice", (text) => text.replace(KEY_LINE, `${KEY_LINE}\r\nSec-WebSocket-Protocol: a, a`)],
  ])("[W14] %s: 400 upgrade_invalid", async (_, change) => {
    const { status, headers, body } = await ask(change(toHandshake(seed.path)));
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(headers.get("x-request-id")).toMatch(/^req-/);
    expect(JSON.parse(body)).toMatchObject({ code: "upgrade_invalid", status: 400, requestId: headers.get("x-request-id") });
  });

  it("[W14] a version other than 13: 426, and the version that is supported", async () => {
    const { status, headers, body } = await ask(toHandshake(seed.path).replace("Version: 13", "Version: 8"));
    expect(status).toBe(426);
    expect(headers.get("sec-websocket-version")).toBe("13");
    expect(headers.get("upgrade")).toBe("websocket");
    expect(JSON.parse(body)).toMatchObject({ code: "upgrade_invalid", status: 426 });
  });

  it.each(["/", "/api/1/other/thing?key=x", "/api/1/cex/thing", "/_next/hmr"])("[W14] an upgrade of %s: 404", async (path) => {
    const { status, body } = await ask(toHandshake(path));
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ code: "not_found" });
  });

  it("[W14] the response arrives even if the client has sent more bytes", async () => {
    const { status } = await ask(toHandshake("/") + "x".repeat(100_000));
    expect(status).toBe(404);
  });
});

describe("accepted", () => {
  it("[W1] responds with 101 and the accept key, without compression", async () => {
    const stream = await openRawStream(server.port, seed.path);
    expect(stream.answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(stream.answer).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(stream.answer.toLowerCase()).not.toContain("sec-websocket-extensions");
    stream.socket.destroy();
  });

  it("[W8] data that the client sent together with its handshake is ignored", async () => {
    const stream = await openRawStream(server.port, seed.path, Buffer.concat([toClientFrame("hello"), toClientFrame("", 9)]));
    const id = await server.post(seed, 1);
    await until("the change and the pong", () => stream.frames().length >= 2);
    const texts = stream.frames().flatMap((frame) => (frame.kind === "text" ? [frame.text] : []));
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain(id);
    expect(stream.frames().some(({ kind }) => kind === "pong")).toBe(true);
    stream.socket.destroy();
  });

  it("clients that disconnect during their handshake leave nothing behind", async () => {
    for (let i = 0; i < 50; i++) {
      const raw = await connectRaw(server.port, toHandshake(seed.path));
      if (i % 2 === 0) raw.socket.destroy();
      else raw.socket.resetAndDestroy();
    }
    await until("only the bystander", () => server.hub.subscriberCount(seed.endpointId) === 1);
  });

  it("a client that closes only its half is disconnected", async () => {
    const stream = await openRawStream(server.port, seed.path);
    expect(server.hub.subscriberCount(seed.endpointId)).toBe(2);
    stream.socket.end();
    await stream.ended();
    await until("only the bystander", () => server.hub.subscriberCount(seed.endpointId) === 1);
  });

  it("hundreds that connect at once all receive the next change", async () => {
    const clients = await Promise.all(Array.from({ length: 300 }, () => server.connect(seed.path)));
    const id = await server.post(seed, 1);
    for (const client of clients) expect((await client.at(0)).record?.uniqueId).toBe(id);
    await Promise.all(clients.map((client) => client.close()));
    await until("only the bystander", () => server.hub.subscriberCount(seed.endpointId) === 1);
  });
});

describe("broken frames", () => {
  it.each<[string, Buffer, number]>([
    ["an unmasked frame", Buffer.from([0x81, 0x01, 0x61]), 1002],
    ["a reserved opcode", toClientFrame("x", 3), 1002],
    ["a continuation of nothing", toClientFrame("x", 0), 1002],
    ["a compressed frame", Buffer.concat([Buffer.from([0xc1]), toClientFrame("x").subarray(1)]), 1002],
    ["invalid UTF-8", Buffer.concat([Buffer.from([0x81, 0x81]), Buffer.alloc(4), Buffer.from([0xff])]), 1007],
    ["a length of 2^63", Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), 1009],
    ["a message of 4097 bytes", toClientFrame("x".repeat(4097)), 1009],
  ])("[W8] %s closes that socket", async (_, frame, code) => {
    const stream = await openRawStream(server.port, seed.path);
    stream.socket.write(frame);
    const frames = await stream.ended();
    expect(frames.at(-1)).toMatchObject({ kind: "close", code });
    await until("only the bystander", () => server.hub.subscriberCount(seed.endpointId) === 1);
  });
});
