/** Tests the rate limits of the data plane over HTTP (U8). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed, type SeedOptions } from "@/tests/support/servers/data-server";

const LIMIT = 3;
const MASTER_KEY = "mk-0123456789abcdef0123456789abcdef";

let server: DataServer;
let open: DataServer;
/** Each test uses a separate network. */
let networks = 0;

beforeAll(async () => {
  [server, open] = await Promise.all([createDataServer({ rateLimit: LIMIT }), createDataServer()]);
});
afterAll(() => Promise.all([server.close(), open.close()]));

const newAddress = () => `198.51.100.${++networks}`;

interface Sent {
  from: string;
  method?: string;
  headers?: Record<string, string>;
  to?: DataServer;
}

function send(path: string, { from, method = "GET", headers = {}, to = server }: Sent): Promise<Response> {
  return fetch(`${to.origin}${path}`, { method, headers: { "X-Forwarded-For": from, ...headers } });
}

/** Uses up the limit. */
async function exhaust(path: string, from: string, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < LIMIT; n++) statuses.push((await send(path, { from, headers })).status);
  return statuses;
}

const limitsOf = ({ headers }: Response) => ["limit", "remaining", "reset"].map((name) => headers.get(`ratelimit-${name}`));

async function setUp(options?: SeedOptions): Promise<{ seed: Seed; from: string }> {
  return { seed: await server.seed(options), from: newAddress() };
}

describe("a key from an address", () => {
  it("[U8] gets the limited number of responses per minute, each with the remaining allowance, then 429 until the minute is over", async () => {
    const { seed, from } = await setUp();
    for (const remaining of ["2", "1", "0"]) {
      const answer = await send(seed.path, { from });
      expect(answer.status).toBe(200);
      expect(limitsOf(answer)).toEqual(["3", remaining, "60"]);
      expect(answer.headers.get("retry-after")).toBeNull();
    }
    const byHeader = await send(seed.path.replace(/\?.*/, ""), { from, headers: { "X-API-Key": seed.key } });
    await expectProblem(byHeader, "rate_limited");
    server.clock.at = new Date(server.clock.at.getTime() + 45_500);
    const refused = await send(seed.path, { from });
    expect(limitsOf(refused)).toEqual(["3", "0", "15"]);
    expect(refused.headers.get("retry-after")).toBe("15");
    expect(await expectProblem(refused, "rate_limited")).toBe("Too many requests: the limit is 3 per minute. Try again in 15 seconds.");
    server.clock.at = new Date(server.clock.at.getTime() + 14_500);
    expect(limitsOf(await send(seed.path, { from }))).toEqual(["3", "2", "60"]);
  });

  it("[U8] a refused request does nothing", async () => {
    const { seed, from } = await setUp();
    await exhaust(seed.path, from);
    const headers = { "Content-Type": "application/json" };
    const refused = await fetch(`${server.origin}${seed.path}`, {
      method: "POST",
      headers: { ...headers, "X-Forwarded-For": from },
      body: "{}",
    });
    await expectProblem(refused, "rate_limited");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[U8] is counted separately from other addresses, other keys and other projects", async () => {
    const { seed, from } = await setUp();
    const other = await server.seed();
    await exhaust(seed.path, from);
    expect((await send(seed.path, { from })).status).toBe(429);
    expect((await send(seed.path, { from: newAddress() })).status).toBe(200);
    expect((await send(other.path, { from })).status).toBe(200);
  });

  it("[U8] the addresses of an IPv6 /64 count as one", async () => {
    const { seed } = await setUp();
    await exhaust(seed.path, "2001:db8:7:7::1");
    expect((await send(seed.path, { from: "2001:db8:7:7:ffff::2" })).status).toBe(429);
    expect((await send(seed.path, { from: "2001:db8:7:8::1" })).status).toBe(200);
  });

  it("[U8] failed requests count, and report the remaining allowance", async () => {
    const { seed, from } = await setUp({ secure: true });
    const first = await send(seed.path, { from });
    expect(first.status).toBe(401);
    expect(limitsOf(first)).toEqual(["3", "2", "60"]);
    await exhaust(seed.path, from);
    expect((await send(seed.path, { from })).status).toBe(429);
  });

  it("[U8] [U11] the master key does not bypass the limit", async () => {
    const { seed, from } = await setUp({ masterKey: MASTER_KEY });
    const headers = { "X-Master-Key": MASTER_KEY };
    expect(await exhaust(seed.path, from, headers)).toEqual([200, 200, 200]);
    expect((await send(seed.path, { from, headers })).status).toBe(429);
  });

  it("[U8] [U11] preflights do not count", async () => {
    const { seed, from } = await setUp();
    const headers = { Origin: "https://app.example", "Access-Control-Request-Method": "PUT" };
    for (let n = 0; n <= LIMIT; n++) {
      const answer = await send(seed.path, { from, method: "OPTIONS", headers });
      expect(answer.status).toBe(204);
      expect(limitsOf(answer)).toEqual([null, null, null]);
    }
    expect(limitsOf(await send(seed.path, { from }))).toEqual(["3", "2", "60"]);
  });
});

describe("limits", () => {
  it("[U8] a project's own limit overrides the server's", async () => {
    const { seed, from } = await setUp();
    await server.pool.query(`UPDATE "Project" SET "rateLimit" = 1 WHERE "id" = $1`, [seed.projectId]);
    expect(limitsOf(await send(seed.path, { from }))).toEqual(["1", "0", "60"]);
    expect((await send(seed.path, { from })).status).toBe(429);
  });

  it("[U8] a raised limit takes effect immediately, within the same minute", async () => {
    const { seed, from } = await setUp();
    await exhaust(seed.path, from);
    expect((await send(seed.path, { from })).status).toBe(429);
    await server.pool.query(`UPDATE "Project" SET "rateLimit" = 100 WHERE "id" = $1`, [seed.projectId]);
    await server.definitions.checkRevisions();
    expect(limitsOf(await send(seed.path, { from }))).toEqual(["100", "95", "60"]);
  });

  it("[U8] without a limit nothing is counted or reported", async () => {
    const seed = await open.seed();
    const answer = await send(seed.path, { from: newAddress(), to: open });
    expect(limitsOf(answer)).toEqual([null, null, null]);
    await open.pool.query(`UPDATE "Project" SET "rateLimit" = 5 WHERE "id" = $1`, [seed.projectId]);
    await open.definitions.checkRevisions();
    expect(limitsOf(await send(seed.path, { from: newAddress(), to: open }))).toEqual(["5", "4", "60"]);
  });
});

describe("requests that name nothing that exists", () => {
  it.each<[string, (seed: Seed) => string]>([
    ["no key", ({ endpointName }) => `/api/1/ce/${endpointName}`],
    ["an unknown key", ({ endpointName }) => `/api/1/ce/${endpointName}?key=${"0".repeat(32)}`],
    ["an unknown name", ({ key }) => `/api/1/ce/no/such-endpoint?key=${key}`],
    ["an unknown version", ({ endpointName, key }) => `/api/2/ce/${endpointName}?key=${key}`],
  ])("[U8] [U11] %s: counted by address", async (_what, toPath) => {
    const { seed, from } = await setUp();
    const path = toPath(seed);
    const first = await send(path, { from });
    expect(limitsOf(first)).toEqual(["3", "2", "60"]);
    await exhaust(path, from);
    await expectProblem(await send(path, { from }), "rate_limited");
    expect((await send(path, { from: newAddress() })).status).not.toBe(429);
  });

  it("[U8] [U11] a client that tries too many keys does not learn which one is right until the minute is over", async () => {
    const { seed, from } = await setUp();
    const probe = (key: string) => send(`/api/1/ce/${seed.endpointName}?key=${key}`, { from });
    for (let n = 0; n <= LIMIT; n++) await probe(String(n).repeat(32));
    const answer = await probe(seed.key);
    expect(limitsOf(answer)).toEqual(["3", "0", "60"]);
    await expectProblem(answer, "rate_limited");
    server.clock.at = new Date(server.clock.at.getTime() + 60_000);
    expect((await probe(seed.key)).status).toBe(200);
  });

  it("[U8] [U11] a flood of them does not affect other clients of the same address whose key is in use", async () => {
    const { seed, from } = await setUp();
    expect((await send(seed.path, { from: newAddress() })).status).toBe(200);
    for (let n = 0; n <= LIMIT; n++) await send(`/api/1/ce/${seed.endpointName}?key=${"0".repeat(32)}`, { from });
    expect((await send(seed.path, { from })).status).toBe(200);
  });
});

describe("browsers", () => {
  it("[U5] [U8] can read the refusal, its headers and Retry-After", async () => {
    const { seed, from } = await setUp({ allowedOrigins: ["https://app.example"] });
    await exhaust(seed.path, from);
    const answer = await send(seed.path, { from, headers: { Origin: "https://app.example" } });
    expect(answer.status).toBe(429);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase().split(", ");
    expect(exposed).toEqual(expect.arrayContaining(["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"]));
  });
});
