/** Tests who may open a stream (W1, W3), comparing each refusal with the HTTP response for the same URL. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toCloseReason } from "@/src/realtime/wire/encode";
import { addTicket } from "@/tests/support/clients/tickets";
import type { SeedOptions } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

interface Refusal {
  what: string;
  code: string;
  seed?: SeedOptions;
  path?: (path: string) => string;
  headers?: Record<string, string>;
}

const PAST = new Date("2020-01-01T00:00:00Z");
const ORIGIN = "https://app.example.com";

const REFUSALS: Refusal[] = [
  { what: "an unknown version", code: "api_version_unknown", path: (path) => path.replace("/api/1/", "/api/2/") },
  { what: "no key", code: "key_missing", path: (path) => path.slice(0, path.indexOf("?")) },
  { what: "an empty key", code: "key_missing", path: (path) => path.replace(/key=.*/, "key=") },
  { what: "an unknown key", code: "endpoint_or_key_invalid", path: (path) => path.replace(/key=.*/, `key=${"0".repeat(32)}`) },
  {
    what: "two keys that differ",
    code: "parameter_invalid",
    headers: { "X-API-Key": "0".repeat(32) },
  },
  { what: "a key in a parameter of another name", code: "key_missing", path: (path) => path.replace("?key=", "?apiKey=") },
  { what: "a slash at the end", code: "endpoint_or_key_invalid", path: (path) => path.replace("?", "/?") },
  { what: "an unknown endpoint", code: "endpoint_or_key_invalid", path: (path) => path.replace("/things/", "/nothing/") },
  { what: "an endpoint that can't exist", code: "endpoint_or_key_invalid", path: (path) => path.replace("/things/", "/%00%ff/") },
  { what: "a revoked key", code: "endpoint_or_key_invalid", seed: { revokedAt: PAST } },
  { what: "an expired key", code: "endpoint_or_key_invalid", seed: { expiresAt: PAST } },
  { what: "a key that only writes", code: "key_scope_insufficient", seed: { scope: "write" } },
  { what: "a foreign origin", code: "origin_not_allowed", seed: { allowedOrigins: [ORIGIN] }, headers: { Origin: "https://evil.example" } },
  {
    what: "an app that is not listed",
    code: "origin_not_allowed",
    seed: { allowedOrigins: [ORIGIN] },
    headers: { Origin: "capacitor://localhost" },
  },
  { what: "the origin null", code: "origin_not_allowed", seed: { allowedOrigins: [ORIGIN] }, headers: { Origin: "null" } },
  { what: "no origin", code: "origin_required", seed: { disallowNoOrigin: true } },
  { what: "a wrong master key", code: "master_key_invalid", seed: { masterKey: "right" }, path: (path) => `${path}&masterKey=wrong` },
  { what: "a master key where there is none", code: "master_key_invalid", headers: { "X-Master-Key": "any" } },
  { what: "a secure endpoint without a token", code: "access_token_missing", seed: { secure: true } },
  {
    what: "a secure endpoint with a bad token",
    code: "access_token_invalid",
    seed: { secure: true },
    headers: { Authorization: "Bearer bad" },
  },
];

describe("refusals", () => {
  it.each(REFUSALS)("[W1] [W3] $what: the handshake completes, then 4000 with the message of HTTP", async (refusal) => {
    const seeded = await server.seed(refusal.seed);
    const path = refusal.path?.(seeded.path) ?? seeded.path;
    const headers = refusal.headers ?? {};
    const answer = await fetch(`${server.httpOrigin}${path}`, { headers });
    const problem = (await answer.json()) as { code: string; detail: string };
    // Only a stream's client may need to read. Over HTTP, GET has the same check.
    expect(problem.code).toBe(refusal.code);

    const client = await server.connect(path, { headers });
    const closed = await client.closed;
    expect(closed).toEqual({ code: 4000, reason: toCloseReason(problem.detail) });
    expect(client.texts).toEqual([]);
    expect(server.hub.subscriberCount(seeded.endpointId)).toBe(0);
  });

  it("[W1] [W3] a bad access token in the URL", async () => {
    const { path } = await server.seed({ secure: true });
    const client = await server.connect(`${path}&accessToken=bad`);
    expect(await client.closed).toEqual({
      code: 4000,
      reason: "The access token is not valid: it may be expired or revoked. Log in again.",
    });
  });

  it.each(["", "yesterday", "1", `${"0".repeat(32)}-01`, `${"0".repeat(31)}-1`])("[W9] since=%j is not a cursor: 4000", async (since) => {
    const { path } = await server.seed();
    const client = await server.connect(`${path}&since=${since}`);
    expect(await client.closed).toEqual({ code: 4000, reason: "The cursor is not valid. Use one that this endpoint sent, or since=now." });
  });

  it("[W3] reports an invalid key before an invalid cursor", async () => {
    const { path } = await server.seed({ revokedAt: PAST });
    const client = await server.connect(`${path}&since=bad`);
    expect((await client.closed).reason).toMatch(/endpoint or the key/);
  });
});

describe("admissions", () => {
  it.each<[string, SeedOptions, (path: string) => string, Record<string, string>]>([
    ["without an origin", {}, (path) => path, {}],
    ["with an allowed origin", { allowedOrigins: [ORIGIN] }, (path) => path, { Origin: ORIGIN }],
    [
      "with the listed origin of an app",
      { allowedOrigins: ["capacitor://localhost"] },
      (path) => path,
      { Origin: "capacitor://localhost" },
    ],
    ["with the origin null where that is allowed", { allowedOrigins: [ORIGIN], allowNullOrigin: true }, (path) => path, { Origin: "null" }],
    ["with the origin that devices send", { allowedOrigins: [ORIGIN], allowNullOrigin: true }, (path) => path, { Origin: "file://" }],
    ["with a key that only reads", { scope: "read" }, (path) => path, {}],
    [
      "with a master key in the URL, whatever the origin",
      { allowedOrigins: [ORIGIN], masterKey: "m" },
      (path) => `${path}&masterKey=m`,
      { Origin: "https://evil.example" },
    ],
    [
      "with a master key in a header, though the endpoint is secure",
      { secure: true, masterKey: "m" },
      (path) => path,
      { "X-Master-Key": "m" },
    ],
    ["with parameters that mean nothing here", {}, (path) => `${path}&dataOnly=true&foo=bar&__proto__=1`, {}],
  ])("[W1] %s", async (_, seedOptions, toPath, headers) => {
    const seeded = await server.seed(seedOptions);
    const client = await server.connect(toPath(seeded.path), { headers });
    await server.records.commit(seeded.endpointId, [{ type: "POST", id: newId(), contentType: "json", data: "1" }]);
    expect((await client.at(0)).type).toBe("POST");
  });

  it("[U3] [W1] with the key as a header, even together with a ticket", async () => {
    const seeded = await server.seed();
    const path = seeded.path.slice(0, seeded.path.indexOf("?"));
    const headers = { "X-API-Key": seeded.key };
    expect((await (await server.connect(`${path}?since=now`, { headers })).at(0)).type).toBe("READY");
    const { ticket } = await addTicket(server, seeded);
    const byTicket = await server.connect(`${path}?ticket=${ticket}&since=now`, { headers });
    expect((await byTicket.at(0)).type).toBe("READY");
  });

  it("[W1] with a ticket, once, regardless of the origin", async () => {
    const seeded = await server.seed({ secure: true, allowedOrigins: [ORIGIN], disallowNoOrigin: true });
    const { ticket } = await addTicket(server, seeded);
    const path = `${seeded.path.slice(0, seeded.path.indexOf("?"))}?ticket=${ticket}&since=now`;
    const first = await server.connect(path);
    expect((await first.at(0)).type).toBe("READY");
    const second = await server.connect(path);
    expect(await second.closed).toEqual({
      code: 4000,
      reason: "The ticket is not valid: it was already used, or has expired. Request a new one.",
    });
    await server.tick();
    expect(server.hub.subscriberCount(seeded.endpointId)).toBe(1);
  });
});

function newId(): string {
  return randomUUID().replaceAll("-", "");
}
