/** Tests counting requests in this process and in Redis (U8). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createSeverableProxy, type SeverableProxy } from "@/tests/support/servers/severable-proxy";
import { startTestRedis, type TestRedis } from "@/tests/support/servers/test-redis";
import { until } from "@/tests/support/until";
import { createProcessRateLimiter, createSharedRateLimiter, type OwnedRateLimiter } from "./rate-limiter";

describe("createProcessRateLimiter", () => {
  it("[U8] allows as many as the current limit, and returns what is left", async () => {
    const time = { ms: 0 };
    const limiter = createProcessRateLimiter({ now: () => time.ms });
    expect(await limiter.take("a", 2)).toEqual({ allowed: true, limit: 2, remaining: 1, resetSeconds: 60 });
    expect(await limiter.take("a", 2)).toEqual({ allowed: true, limit: 2, remaining: 0, resetSeconds: 60 });
    time.ms += 59_400;
    expect(await limiter.take("a", 2)).toEqual({ allowed: false, limit: 2, remaining: 0, resetSeconds: 1 });
    expect(await limiter.take("a", 5)).toEqual({ allowed: true, limit: 5, remaining: 1, resetSeconds: 1 });
    time.ms += 600;
    expect(await limiter.take("a", 2)).toEqual({ allowed: true, limit: 2, remaining: 1, resetSeconds: 60 });
  });
});

describe("what is given back", () => {
  it("[M7] is free again in its minute, and changes nothing in the next one", async () => {
    const time = { ms: 0 };
    const limiter = createProcessRateLimiter({ now: () => time.ms });
    expect((await limiter.take("a", 10, 6)).remaining).toBe(4);
    expect((await limiter.take("a", 10, 6)).allowed).toBe(false);
    limiter.giveBack("a", 6);
    expect((await limiter.take("a", 10, 4)).remaining).toBe(0);
    time.ms += 60_000;
    limiter.giveBack("a", 4);
    expect((await limiter.take("a", 10, 1)).remaining).toBe(9);
  });
});

describe("createSharedRateLimiter", () => {
  let redis: TestRedis;
  let proxy: SeverableProxy;
  let logged: string[];
  let limiters: OwnedRateLimiter[];
  let ids = 0;

  beforeAll(async () => {
    redis = await startTestRedis();
  });
  afterAll(() => redis.close());
  afterEach(async () => {
    for (const limiter of limiters) limiter.close();
    await proxy.close();
  });

  const connect = (): OwnedRateLimiter => {
    const note = (_: object, message: string) => void logged.push(message);
    const limiter = createSharedRateLimiter({ url: `redis://${proxy.host}:${proxy.port}`, log: { info: note, warn: note } });
    limiters.push(limiter);
    return limiter;
  };

  /** Two servers; `nextId` returns the id of a client that has not been counted. */
  async function setUp(count = 2) {
    proxy = await createSeverableProxy(redis);
    logged = [];
    limiters = [];
    const servers = Array.from({ length: count }, connect);
    return { servers, nextId: () => `client ${++ids}` };
  }

  /** Checks that each server sees the requests that the other one counted. */
  async function untilTogether([one, other]: OwnedRateLimiter[], nextId: () => string): Promise<void> {
    await until("servers that count together", async () => {
      const id = nextId();
      await one?.take(id, 9);
      return (await other?.take(id, 9))?.remaining === 7;
    });
  }

  it("[U8] servers that share a Redis count together", async () => {
    const { servers, nextId } = await setUp();
    await untilTogether(servers, nextId);
    const [one, other] = servers;
    const id = nextId();
    expect(await one?.take(id, 2)).toMatchObject({ allowed: true, remaining: 1 });
    expect(await other?.take(id, 2)).toMatchObject({ allowed: true, remaining: 0 });
    const refused = await one?.take(id, 2);
    expect(refused).toMatchObject({ allowed: false, limit: 2, remaining: 0 });
    expect(refused?.resetSeconds).toBeGreaterThanOrEqual(1);
    expect(refused?.resetSeconds).toBeLessThanOrEqual(60);
    expect(await other?.take(nextId(), 2)).toMatchObject({ allowed: true, remaining: 1 });
  });

  it("[M7] what one server gives back is free for the others, and no more than was counted", async () => {
    const { servers, nextId } = await setUp();
    await untilTogether(servers, nextId);
    const [one, other] = servers;
    const id = nextId();
    await one?.giveBack(id, 5);
    expect(await one?.take(id, 10, 6)).toMatchObject({ allowed: true, remaining: 4 });
    expect(await other?.take(id, 10, 6)).toMatchObject({ allowed: false });
    await other?.giveBack(id, 6);
    expect(await other?.take(id, 10, 4)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it("[U8] while Redis is unavailable each server counts alone, and together again afterwards", async () => {
    const { servers, nextId } = await setUp();
    await untilTogether(servers, nextId);
    logged.length = 0;
    await proxy.sever();
    const [one, other] = servers;
    const id = nextId();
    expect((await one?.take(id, 2))?.remaining).toBe(1);
    expect((await other?.take(id, 2))?.remaining).toBe(1);
    expect((await one?.take(id, 2))?.remaining).toBe(0);
    expect((await one?.take(id, 2))?.allowed).toBe(false);
    await proxy.restore();
    await untilTogether(servers, nextId);
    const away = "Redis is unavailable; this server counts requests alone until it is back";
    const back = "Redis is available again; servers count requests together";
    expect(logged.toSorted()).toEqual([back, back, away, away]);
  });

  it("[U8] a Redis that accepts commands and never responds delays nobody", async () => {
    const { servers, nextId } = await setUp();
    await untilTogether(servers, nextId);
    proxy.stall();
    const [one] = servers;
    const id = nextId();
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => one?.take(id, 20)));
    expect(verdicts.filter((verdict) => verdict?.allowed)).toHaveLength(20);
    await proxy.sever();
    await proxy.restore();
    await untilTogether(servers, nextId);
  });

  it("[U8] a server starts without Redis, and finds it later", async () => {
    proxy = await createSeverableProxy(redis);
    await proxy.sever();
    logged = [];
    limiters = [];
    const servers = [connect(), connect()];
    const id = `client ${++ids}`;
    expect(await servers[0]?.take(id, 1)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await servers[0]?.take(id, 1)).toMatchObject({ allowed: false });
    await proxy.restore();
    await untilTogether(servers, () => `client ${++ids}`);
  });
});
