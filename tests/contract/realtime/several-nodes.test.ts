/**
 * Tests several servers on one PostgreSQL, with Redis and while it is unavailable: nothing is lost, and access ends everywhere. Polls run only when a
 * test starts one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addTicket } from "@/tests/support/clients/tickets";
import { createUser, logOut } from "@/tests/support/clients/users";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { startTestRedis, type TestRedis } from "@/tests/support/servers/test-redis";
import { until } from "@/tests/support/until";

const CHANNEL = "rested:of-this-test";

let redis: TestRedis;
let writer: RealtimeServer;
let reader: RealtimeServer;
/** Another deployment on the same Redis. */
let stranger: RealtimeServer;
let seed: Seed;

const toLink = (channel = CHANNEL) => ({ redis: { url: `redis://${redis.host}:${redis.port}`, channel } });

beforeAll(async () => {
  redis = await startTestRedis();
  writer = await createRealtimeServer(toLink());
  reader = await createRealtimeServer({ ...toLink(), database: writer.database });
  stranger = await createRealtimeServer(toLink("rested:of-another-deployment"));
});
afterAll(async () => {
  await stranger.close();
  await reader.close();
  await writer.close();
  await redis.close();
});
beforeEach(async () => {
  seed = await writer.seed();
  await untilLinked();
});

/** Publishes on one server until the other receives it. */
async function untilLinked(): Promise<void> {
  const probe = await writer.seed();
  const client = await reader.connect(probe.path);
  await until("the servers hear each other", async () => {
    await writer.post(probe, "probe");
    return client.texts.length > 0;
  });
  await client.close();
}

const dataOf = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).record.data);
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("with Redis", () => {
  it("[W4] [W20] the writes of one server reach the other's subscribers immediately, completely, once and in order", async () => {
    const client = await reader.connect(seed.path);
    for (const n of numbers(50)) await writer.post(seed, n);
    await client.take(50);
    expect(dataOf(client.texts)).toEqual(numbers(50));
  });

  it("[W4] [W20] also if both write at the same time", async () => {
    const clients = [await reader.connect(seed.path), await writer.connect(seed.path)] as const;
    await Promise.all(numbers(60).map((n) => (n % 2 === 0 ? writer : reader).post(seed, n)));
    const [first, second] = await Promise.all(clients.map((client) => client.take(60)));
    expect(first).toEqual(second);
    expect(new Set(dataOf(clients[0].texts))).toEqual(new Set(numbers(60)));
  });

  it("[R4] [W4] [W20] merges of one record on both servers are all kept, and each is one message with the next version", async () => {
    const uniqueId = await writer.post(seed, {});
    const clients = [await reader.connect(seed.path), await writer.connect(seed.path)] as const;
    const init = { method: "PUT", headers: { "Content-Type": "application/json" } };
    const merge = (n: number) => {
      const { httpOrigin } = n % 2 === 0 ? writer : reader;
      return fetch(`${httpOrigin}${seed.path}&uniqueId=${uniqueId}&strategy=merge`, { ...init, body: `{"n${n}":true}` });
    };
    const answers = await Promise.all(numbers(60).map(merge));
    const [first, second] = await Promise.all(clients.map((client) => client.take(60)));
    expect(first).toEqual(second);
    const states = dataOf(clients[0].texts) as object[];
    const versions = states.map((state) => Object.keys(state).length);
    expect(versions).toEqual(numbers(60).map((n) => n + 1));
    // Each answer has the version of its own message.
    for (const [n, answer] of answers.entries()) {
      const { data } = (await answer.json()) as { data: object };
      const version = Number(answer.headers.get("etag")?.replaceAll('"', ""));
      expect([answer.status, Object.keys(data).at(-1)]).toEqual([200, `n${n}`]);
      expect(data).toEqual(states[version - 2]);
    }
  });

  it("[W6] [W20] a key that is revoked on one server ends its sockets on the other", async () => {
    const client = await reader.connect(seed.path);
    await writer.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
    writer.definitions.invalidate(seed.projectId);
    expect(await client.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
  });

  it("[W6] [W20] an endpoint that is deleted on one server ends its sockets on the other", async () => {
    const client = await reader.connect(seed.path);
    await writer.pool.query(`DELETE FROM "Endpoint" WHERE id = $1`, [seed.endpointId]);
    writer.definitions.invalidate(seed.projectId);
    expect(await client.closed).toEqual({ code: 1000, reason: "The endpoint was deleted." });
  });

  it("[L3] [W6] [W20] a logout on one server ends the user's sockets and access on the other", async () => {
    const people = await writer.seed({ kind: "authentication" });
    const ann = await createUser({ origin: writer.httpOrigin, path: people.path });
    const client = await reader.connect(people.path, { headers: ann.headers });
    await logOut({ origin: writer.httpOrigin, path: people.path }, ann.token);
    expect(await client.closed).toEqual({ code: 1000, reason: "The access token was revoked. Log in again." });
    expect((await fetch(`${reader.httpOrigin}${people.path}`, { headers: ann.headers })).status).toBe(401);
  });

  it("[W6] [W20] a sign-in that ends on one server ends its console streams on the other", async () => {
    const { ticket, sessionId, userId } = await addTicket(writer, seed);
    const client = await reader.connect(`/api/1/ce/${seed.endpointName}?ticket=${ticket}`);
    await writer.pool.query(`UPDATE "Session" SET "revokedAt" = now() WHERE id = $1`, [sessionId]);
    writer.signIns.invalidate(userId);
    expect(await client.closed).toEqual({ code: 1000, reason: "The sign-in that opened this stream has ended. Sign in again." });
  });

  it("[W20] a deployment receives no messages of another one on the same Redis", async () => {
    let heard = 0;
    const stop = stranger.notifications.subscribe(() => {
      heard += 1;
    });
    const client = await reader.connect(seed.path);
    await writer.post(seed, 1);
    await client.take(1);
    stop();
    expect(heard).toBe(0);
  });

  it("[W20] foreign messages on the channel do no harm", async () => {
    const { Redis } = await import("ioredis");
    const other = new Redis(toLink().redis.url);
    const messages = [
      "",
      "{",
      "[]",
      "null",
      '{"from":1}',
      '{"from":"x","endpoints":"all","projects":[],"unknown":false}',
      "x".repeat(500_000),
    ];
    const odd = JSON.stringify({ from: "x", endpoints: ["nonsense", "'; DROP TABLE x"], projects: ["nonsense"], unknown: true });
    for (const message of [...messages, odd]) await other.publish(CHANNEL, message);
    other.disconnect();
    const client = await reader.connect(seed.path);
    await writer.post(seed, 1);
    expect(dataOf((await client.take(1)).map((message) => JSON.stringify(message)))).toEqual([1]);
  });
});

describe("while Redis is unavailable", () => {
  afterEach(async () => {
    redis = await startTestRedis({ port: redis.port });
  });

  it("[W4] [W20] the poll delivers everything, once, in order; afterwards delivery is fast again", async () => {
    const client = await reader.connect(`${seed.path}&since=now`);
    for (const n of numbers(10)) await writer.post(seed, n);
    await client.take(11);
    await redis.close();
    for (const n of numbers(10)) await writer.post(seed, 10 + n);
    await reader.tick();
    await client.take(21);
    redis = await startTestRedis({ port: redis.port });
    await untilLinked();
    for (const n of numbers(10)) await writer.post(seed, 20 + n);
    await client.take(31);
    expect(dataOf(client.texts.slice(1))).toEqual(numbers(30));
    expect(reader.logged.filter((line) => line.includes("Redis is unavailable"))).toHaveLength(1);
    await redis.close();
  });

  it("[W4] [W20] missed changes are read as soon as it is back, without a poll", async () => {
    const client = await reader.connect(seed.path);
    await redis.close();
    await writer.post(seed, "missed");
    redis = await startTestRedis({ port: redis.port });
    await client.take(1);
    await redis.close();
  });
});
