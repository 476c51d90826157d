/** Tests when a response is a stream of events (W12) and when it is an ordinary one: its head, negotiation, CORS, refusals. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCESS_TOKEN_COOKIE } from "@/src/shared/streams/protocol";
import { openEvents } from "@/tests/support/clients/event-client";
import { expectProblem } from "@/tests/support/expect-problem";
import type { SeedOptions } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const ORIGIN = "https://app.example.com";
const EVENTS = { Accept: "text/event-stream" };
const open = (path: string, headers: Record<string, string> = {}) => openEvents(`${server.httpOrigin}${path}`, headers);

describe("the head", () => {
  it("[W12] has its type, the headers against caching and buffering, and those of every response", async () => {
    const seed = await server.seed();
    const client = await open(seed.path);
    expect(client.status).toBe(200);
    expect(client.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.stringMatching(/./),
    });
    expect([...server.hub.connections()].find(({ endpointId }) => endpointId === seed.endpointId)).toMatchObject({ transport: "sse" });
    client.drop();
  });

  it.each([
    ["text/event-stream", true],
    ["TEXT/Event-Stream; q=0.5", true],
    ["application/json, text/event-stream;charset=utf-8", true],
    ["*/*", false],
    ["text/*", false],
    ["text/event-stream;q=0, */*", false],
    ["text/event-stream-not", false],
  ])("[W16] Accept: %s", async (accept, isStream) => {
    const seed = await server.seed();
    const client = await open(seed.path, { Accept: accept });
    expect(client.headers["content-type"]).toMatch(isStream ? /^text\/event-stream/ : /^application\/json/);
    client.drop();
  });

  it.each(["HEAD", "OPTIONS", "POST"])("[W16] %s is not affected by Accept", async (method) => {
    const seed = await server.seed();
    const headers = { ...EVENTS, ...(method === "POST" ? { "Content-Type": "application/json" } : {}) };
    const answer = await fetch(`${server.httpOrigin}${seed.path}`, { method, headers, ...(method === "POST" ? { body: "1" } : {}) });
    expect([answer.status, answer.headers.get("content-type")]).toEqual(
      method === "OPTIONS" ? [204, null] : [method === "POST" ? 201 : 200, "application/json; charset=utf-8"],
    );
    await answer.text();
  });
});

describe("CORS", () => {
  it("[U5] [W12] an allowed origin may read the stream, with credentials; a foreign one gets a problem that it may not read", async () => {
    const seed = await server.seed({ allowedOrigins: [ORIGIN] });
    const client = await open(seed.path, { Origin: ORIGIN });
    expect(client.headers).toMatchObject({ "access-control-allow-origin": ORIGIN, "access-control-allow-credentials": "true" });
    client.drop();
    const app = await server.seed({ allowedOrigins: ["tauri://localhost"], allowNullOrigin: true });
    const [listed, opaque] = [await open(app.path, { Origin: "tauri://localhost" }), await open(app.path, { Origin: "null" })];
    expect(listed.headers).toMatchObject({
      "access-control-allow-origin": "tauri://localhost",
      "access-control-allow-credentials": "true",
    });
    expect(opaque.headers["access-control-allow-origin"]).toBe("null");
    expect(opaque.headers["access-control-allow-credentials"]).toBeUndefined();
    for (const stream of [listed, opaque]) stream.drop();
    const foreign = await fetch(`${server.httpOrigin}${seed.path}`, { headers: { ...EVENTS, Origin: "https://evil.example" } });
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
    await expectProblem(foreign, "origin_not_allowed");
  });
});

const PAST = new Date("2020-01-01T00:00:00Z");
const REFUSALS: {
  what: string;
  code: Parameters<typeof expectProblem>[1];
  seed?: SeedOptions;
  query?: string;
  headers?: Record<string, string>;
}[] = [
  { what: "a revoked key", code: "endpoint_or_key_invalid", seed: { revokedAt: PAST } },
  { what: "a key that only writes", code: "key_scope_insufficient", seed: { scope: "write" } },
  { what: "no origin", code: "origin_required", seed: { disallowNoOrigin: true } },
  { what: "a wrong master key", code: "master_key_invalid", seed: { masterKey: "right" }, query: "&masterKey=wrong" },
  { what: "no token at a secure endpoint", code: "access_token_missing", seed: { secure: true } },
  { what: "a bad token in the URL", code: "access_token_invalid", seed: { secure: true }, query: "&accessToken=bad" },
  {
    what: "a cookie of another site",
    code: "access_token_missing",
    seed: { secure: true },
    headers: { Cookie: `${ACCESS_TOKEN_COOKIE}=any`, Origin: "https://evil.example" },
  },
  {
    what: "a cookie of a listed origin that is not valid",
    code: "access_token_invalid",
    seed: { secure: true, allowedOrigins: [ORIGIN] },
    headers: { Cookie: `${ACCESS_TOKEN_COOKIE}=any`, Origin: ORIGIN },
  },
  { what: "no token at an endpoint of users", code: "access_token_missing", seed: { kind: "authentication" } },
  { what: "a bad ticket", code: "ticket_invalid", query: "&ticket=bad" },
  { what: "a malformed cursor", code: "cursor_invalid", query: "&since=yesterday" },
  { what: "a malformed Last-Event-ID", code: "cursor_invalid", query: "&since=now", headers: { "Last-Event-ID": "7" } },
];

describe("refusals", () => {
  it.each(REFUSALS)(
    "[W12] [S6] $what: a problem as HTTP has it, and no stream",
    async ({ code, seed: options, query = "", headers = {} }) => {
      const seed = await server.seed(options);
      const answer = await fetch(`${server.httpOrigin}${seed.path}${query}`, { headers: { ...EVENTS, ...headers } });
      await expectProblem(answer, code);
      expect(server.hub.subscriberCount(seed.endpointId)).toBe(0);
    },
  );

  it("[U3] [W12] a key as a header opens a stream", async () => {
    const { path, key } = await server.seed();
    const client = await open(path.slice(0, path.indexOf("?")), { "X-API-Key": key });
    expect(client.headers["content-type"]).toMatch(/^text\/event-stream/);
    client.drop();
  });

  it("[U8] [W12] streams count as other requests do, and have the headers of the rate limit", async () => {
    const limited = await createRealtimeServer({ rateLimit: 2, database: server.database });
    try {
      const { path } = await limited.seed();
      const first = await openEvents(`${limited.httpOrigin}${path}`);
      expect(first.headers).toMatchObject({ "ratelimit-limit": "2", "ratelimit-remaining": "1" });
      await openEvents(`${limited.httpOrigin}${path}`);
      const refused = await fetch(`${limited.httpOrigin}${path}`, { headers: EVENTS });
      expect(refused.headers.get("retry-after")).toBe("60");
      await expectProblem(refused, "rate_limited");
    } finally {
      await limited.close();
    }
  });
});
