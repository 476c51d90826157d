/** Edge cases of the transport: checks that hang or fail, and messages that are too long for a close frame. */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RateLimitPolicy } from "@/src/core/access/rate-limit-policy";
import { AppError } from "@/src/shared/errors";
import { connectStream, type StreamClient } from "@/tests/support/clients/stream-client";
import { createMemoryHub, toGrant } from "@/tests/support/memory/memory-hub";
import { until } from "@/tests/support/until";
import { createUpgradeHandler } from "./ws";

let stop: () => Promise<void>;
afterEach(async () => {
  vi.useRealTimers();
  await stop();
});

async function setUp(countAndAuthorize: RateLimitPolicy["countAndAuthorize"]) {
  const { hub, log } = createMemoryHub();
  const logged: string[] = [];
  const handler = createUpgradeHandler({
    hub,
    rateLimitPolicy: { countAndAuthorize },
    traffic: { note: () => undefined },
    config: { pingIntervalMs: 25_000, pongTimeoutMs: 10_000 },
    log: { debug: () => undefined, error: (_, message) => logged.push(message) },
  });
  const server = http.createServer().on("upgrade", handler.upgrade).listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = async () => {
    await handler.closeAll({ graceMs: 0 });
    server.close();
    await once(server, "close");
  };
  const { port } = server.address() as AddressInfo;
  const connect = (): Promise<StreamClient> => connectStream(`ws://127.0.0.1:${port}/api/1/ce/test/endpoint?key=k`);
  return { hub, log, logged, connect, handler };
}

describe("createUpgradeHandler", () => {
  it("[E2] closes with 1011 if a check fails unexpectedly, reveals nothing, and logs the error", async () => {
    const { connect, logged } = await setUp(async () => {
      throw new TypeError("secret");
    });
    const closed = await (await connect()).closed;
    expect(closed.code).toBe(1011);
    expect(closed.reason).toMatch(/^An unexpected error occurred/);
    expect(closed.reason).not.toContain("secret");
    expect(logged).toEqual(["could not open a WebSocket"]);
  });

  it("[W3] cuts a message that is too long for a close frame", async () => {
    const { connect } = await setUp(async () => {
      throw new AppError("body_invalid", { detail: "é".repeat(100) });
    });
    expect(await (await connect()).closed).toEqual({ code: 4000, reason: "é".repeat(61) });
  });

  it("[E3] does not let a client wait indefinitely: checks that hang end with 1013, and their later results are dropped", async () => {
    let answer: (() => void) | undefined;
    const { hub, log, connect } = await setUp(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(toGrant(log));
        }),
    );
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const connecting = connect();
    while (answer === undefined) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    const client = await connecting;
    expect((await client.closed).code).toBe(1013);
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect([...hub.connections()]).toEqual([]);
  });

  it("[W8] a handshake in progress at shutdown is completed, then closed with 1012", async () => {
    let answer: (() => void) | undefined;
    const { log, connect, handler } = await setUp(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(toGrant(log));
        }),
    );
    const connecting = connect();
    await until("the check has begun", () => answer !== undefined);
    const closing = handler.closeAll({ graceMs: 5_000 });
    answer?.();
    expect((await (await connecting).closed).code).toBe(1012);
    await closing;
  });
});
