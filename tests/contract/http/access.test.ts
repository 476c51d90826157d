/** Tests who gets a response: versions, keys, names, scopes, master keys, secure endpoints (U1–U3, U6, U7, S1). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "@/src/shared/errors";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed, type SeedOptions } from "@/tests/support/servers/data-server";

const MASTER_KEY = "mk-0123456789abcdef0123456789abcdef";
const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

let server: DataServer;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());

function send(path: string, method = "GET", headers: Record<string, string> = {}): Promise<Response> {
  const withBody = method === "POST" || method === "PUT";
  return fetch(`${server.origin}${path}`, {
    method,
    headers: { ...headers, "Content-Type": "application/json" },
    ...(withBody ? { body: "{}" } : {}),
  });
}

/** Sends a request with every method, expects the refusal, and checks that nothing changed. */
async function expectRefused(seed: Seed, path: string, code: ErrorCode, headers: Record<string, string> = {}): Promise<void> {
  for (const method of METHODS) await expectProblem(await send(`${path}&uniqueId=${"0".repeat(32)}`, method, headers), code);
  expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
}

describe("address and key", () => {
  it.each<[string, (seed: Seed) => string, ErrorCode]>([
    ["[U3] version 2", ({ endpointName, key }) => `/api/2/ce/${endpointName}?key=${key}`, "api_version_unknown"],
    ["[U3] version v1", ({ endpointName, key }) => `/api/v1/ce/${endpointName}?key=${key}`, "api_version_unknown"],
    ["[U3] version 2 without a key", ({ endpointName }) => `/api/2/ce/${endpointName}?`, "api_version_unknown"],
    ["[U3] no key", ({ endpointName }) => `/api/1/ce/${endpointName}?`, "key_missing"],
    ["[U3] an empty key", ({ endpointName }) => `/api/1/ce/${endpointName}?key=`, "key_missing"],
    ["[U3] the key in another case of the parameter", ({ endpointName, key }) => `/api/1/ce/${endpointName}?Key=${key}`, "key_missing"],
    ["[U3] an unknown key", ({ endpointName }) => `/api/1/ce/${endpointName}?key=${"0".repeat(32)}`, "endpoint_or_key_invalid"],
    ["[U3] a key with a NUL character", ({ endpointName }) => `/api/1/ce/${endpointName}?key=a%00b`, "endpoint_or_key_invalid"],
    ["[U3] a very long key", ({ endpointName }) => `/api/1/ce/${endpointName}?key=${"k".repeat(5_000)}`, "endpoint_or_key_invalid"],
    [
      "[U3] a key that is SQL",
      ({ endpointName }) => `/api/1/ce/${endpointName}?key=${encodeURIComponent("' OR '1'='1")}`,
      "endpoint_or_key_invalid",
    ],
    ["[U3] an unknown name", ({ key }) => `/api/1/ce/no/such-endpoint?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a name in capitals", ({ endpointName, key }) => `/api/1/ce/${endpointName.toUpperCase()}?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a trailing slash", ({ endpointName, key }) => `/api/1/ce/${endpointName}/?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a doubled slash", ({ endpointName, key }) => `/api/1/ce//${endpointName}?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] no name", ({ key }) => `/api/1/ce/?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a broken escape", ({ endpointName, key }) => `/api/1/ce/${endpointName}%?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a NUL character in the name", ({ endpointName, key }) => `/api/1/ce/${endpointName}%00?key=${key}`, "endpoint_or_key_invalid"],
    ["[U2] a very long name", ({ key }) => `/api/1/ce/${"a".repeat(10_000)}?key=${key}`, "endpoint_or_key_invalid"],
  ])("%s", async (_rule, toPath, code) => {
    const seed = await server.seed();
    await expectRefused(seed, toPath(seed), code);
    expect((await send(seed.path)).status).toBe(200);
  });

  it("[U3] responds the same to a key of another project, so that names cannot be probed", async () => {
    const [one, two] = [await server.seed({ endpointName: "only/in-one" }), await server.seed({ endpointName: "only/in-two" })];
    const answers = await Promise.all([
      send(`/api/1/ce/only/in-two?key=${one.key}`),
      send(`/api/1/ce/only/in-none?key=${one.key}`),
      send(`/api/1/ce/only/in-two?key=${"0".repeat(32)}`),
    ]);
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as Record<string, unknown>[];
    for (const body of bodies) delete body.requestId;
    expect(bodies[1]).toEqual(bodies[0]);
    expect(bodies[2]).toEqual(bodies[0]);
    expect((await send(two.path)).status).toBe(200);
  });

  it("[U1] decodes the name, and distinguishes the same name in two projects by the key", async () => {
    const [one, two] = [await server.seed(), await server.seed()];
    await send(one.path, "POST");
    expect(await (await send(`/api/1/ce/things%2Fof-test?key=${one.key}`)).json()).toHaveLength(1);
    expect(await (await send(two.path)).text()).toBe("[]");
  });
});

describe("the key as a header", () => {
  it("[U3] gives the same access as the parameter, with every method", async () => {
    const seed = await server.seed();
    const path = `/api/1/ce/${seed.endpointName}`;
    const created = await send(path, "POST", { "X-API-Key": seed.key });
    expect(created.status).toBe(201);
    const { uniqueId } = (await created.json()) as { uniqueId: string };
    for (const method of ["GET", "PUT", "DELETE"])
      expect((await send(`${path}?uniqueId=${uniqueId}`, method, { "X-API-Key": seed.key })).status).toBe(200);
    expect((await send(path, "HEAD", { "X-API-Key": seed.key })).status).toBe(200);
    expect(server.logged.join()).not.toContain(seed.key);
  });

  it("[U3] may be sent together with the same parameter; two different keys are refused, and neither is used", async () => {
    const [seed, other] = [await server.seed(), await server.seed()];
    expect((await send(seed.path, "GET", { "X-API-Key": seed.key })).status).toBe(200);
    await expectRefused(seed, seed.path, "parameter_invalid", { "X-API-Key": other.key });
    await expectRefused(seed, seed.path, "parameter_invalid", { "X-API-Key": "unknown" });
    expect(await server.count(other)).toEqual({ records: 0, changes: 0 });
  });

  it("[U3] is refused like a wrong parameter if it is wrong", async () => {
    const seed = await server.seed();
    const path = `/api/1/ce/${seed.endpointName}`;
    await expectProblem(await send(path, "GET", { "X-API-Key": "0".repeat(32) }), "endpoint_or_key_invalid");
    await expectProblem(await send(path, "GET", { "X-API-Key": "" }), "key_missing");
  });
});

describe("messages that help", () => {
  it.each<[string, (seed: Seed) => string, Record<string, string>, ErrorCode, RegExp]>([
    [
      "an id in the path",
      ({ endpointName, key }) => `/api/1/ce/${endpointName}/${"a".repeat(32)}?key=${key}`,
      {},
      "endpoint_or_key_invalid",
      /\?uniqueId=<id>/,
    ],
    [
      "a slash at the end",
      ({ endpointName, key }) => `/api/1/ce/${endpointName}/?key=${key}`,
      {},
      "endpoint_or_key_invalid",
      /slash at the end/,
    ],
    ["capitals", ({ key }) => `/api/1/ce/Things?key=${key}`, {}, "endpoint_or_key_invalid", /lowercase/],
    ["no name", ({ key }) => `/api/1/ce/?key=${key}`, {}, "endpoint_or_key_invalid", /has no endpoint name/],
    ["no name, no slash", ({ key }) => `/api/1/ce?key=${key}`, {}, "endpoint_or_key_invalid", /has no endpoint name/],
    ["neither name nor key", () => "/api/1/ce/?", {}, "key_missing", /has no endpoint name/],
    [
      "a master key as the key",
      ({ endpointName }) => `/api/1/ce/${endpointName}?key=mk_abc`,
      {},
      "endpoint_or_key_invalid",
      /X-Master-Key/,
    ],
    ["a bearer key", ({ endpointName }) => `/api/1/ce/${endpointName}?`, { Authorization: "Bearer abc" }, "key_missing", /X-API-Key/],
    [
      "another parameter",
      ({ endpointName, key }) => `/api/1/ce/${endpointName}?api_key=${key}`,
      {},
      "key_missing",
      /parameter key instead of api_key/,
    ],
  ])("[U3] %s", async (_what, toPath, headers, code, detail) => {
    const seed = await server.seed();
    for (const method of METHODS) expect(await expectProblem(await send(toPath(seed), method, headers), code)).toMatch(detail);
  });

  it("[U3] are the same whether or not the key or the endpoint exists or has ended", async () => {
    const name = `things/${"a".repeat(32)}`;
    const [ended, other] = [await server.seed({ endpointName: name, revokedAt: new Date() }), await server.seed()];
    const details = [];
    for (const key of [ended.key, other.key, "0".repeat(32)])
      details.push(await expectProblem(await send(`/api/1/ce/${name}?key=${key}`), "endpoint_or_key_invalid"));
    expect(new Set(details).size).toBe(1);
    const live = await server.seed({ endpointName: name });
    expect((await send(live.path)).status).toBe(200);
  });
});

describe("the lifetime of a key", () => {
  it("[U3] a revoked or expired key is invalid", async () => {
    for (const options of [{ revokedAt: new Date() }, { expiresAt: new Date(server.clock.at.getTime() - 1) }]) {
      const seed = await server.seed(options);
      await expectRefused(seed, seed.path, "endpoint_or_key_invalid");
    }
  });

  it("[U7] a key ends at its expiry, whether or not it is cached", async () => {
    const seed = await server.seed({ expiresAt: new Date(server.clock.at.getTime() + 60_000) });
    expect((await send(seed.path)).status).toBe(200);
    const before = server.clock.at;
    server.clock.at = new Date(before.getTime() + 60_000);
    await expectRefused(seed, seed.path, "endpoint_or_key_invalid");
    server.clock.at = before;
  });

  it.each<[string, string, ErrorCode]>([
    ["revoking a key", `UPDATE "ApiKey" SET "revokedAt" = now() WHERE "id" = $1`, "endpoint_or_key_invalid"],
    ["narrowing its scope", `UPDATE "ApiKey" SET "scope" = 'write' WHERE "id" = $1`, "key_scope_insufficient"],
    [
      "deleting the endpoint",
      `DELETE FROM "Endpoint" e USING "ApiKey" k WHERE k."id" = $1 AND e."projectId" = k."projectId"`,
      "endpoint_or_key_invalid",
    ],
    [
      "securing the endpoint",
      `UPDATE "Endpoint" e SET "secure" = true FROM "ApiKey" k WHERE k."id" = $1 AND e."projectId" = k."projectId"`,
      "access_token_missing",
    ],
    [
      "deleting the project",
      `DELETE FROM "Project" p USING "ApiKey" k WHERE k."id" = $1 AND p."id" = k."projectId"`,
      "endpoint_or_key_invalid",
    ],
    [
      "requiring an origin",
      `UPDATE "Project" p SET "disallowNoOrigin" = true FROM "ApiKey" k WHERE k."id" = $1 AND p."id" = k."projectId"`,
      "origin_required",
    ],
  ])("[U7] %s takes effect immediately after invalidate, and on other nodes after checkRevisions", async (_what, sql, code) => {
    const told = await server.seed();
    expect((await send(told.path)).status).toBe(200);
    await server.pool.query(sql, [told.keyId]);
    server.definitions.invalidate(told.projectId);
    await expectProblem(await send(told.path), code);

    const polled = await server.seed();
    expect((await send(polled.path)).status).toBe(200);
    await server.pool.query(sql, [polled.keyId]);
    await server.definitions.checkRevisions();
    await expectProblem(await send(polled.path), code);
  });

  it("[U7] a new endpoint works immediately, even after it was requested before", async () => {
    const seed = await server.seed();
    const path = `/api/1/ce/brand/new?key=${seed.key}`;
    await expectProblem(await send(path), "endpoint_or_key_invalid");
    await server.pool.query(`INSERT INTO "Endpoint" ("id", "projectId", "name") VALUES (gen_random_uuid(), $1, 'brand/new')`, [
      seed.projectId,
    ]);
    expect((await send(path)).status).toBe(200);
  });

  it("[U3] a write to an endpoint that another node has just deleted is refused", async () => {
    const seed = await server.seed();
    expect((await send(seed.path)).status).toBe(200);
    await server.pool.query(`DELETE FROM "Endpoint" WHERE "id" = $1`, [seed.endpointId]);
    for (const [method, query] of [
      ["POST", ""],
      ["PUT", `&uniqueId=${"0".repeat(32)}`],
      ["PUT", `&uniqueId=${"0".repeat(32)}&strategy=merge`],
      ["DELETE", `&uniqueId=${"0".repeat(32)}`],
    ] as const) {
      await expectProblem(await send(seed.path + query, method), "endpoint_or_key_invalid");
    }
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });

  it("[U7] records when a key was last used, except for refused requests", async () => {
    const [used, refused] = [await server.seed(), await server.seed({ scope: "write" })];
    await send(used.path);
    await send(refused.path);
    await server.definitions.flushUse();
    const lastUsed = async ({ keyId }: Seed): Promise<unknown> =>
      (await server.pool.query(`SELECT "lastUsedAt" FROM "ApiKey" WHERE "id" = $1`, [keyId])).rows[0]?.lastUsedAt;
    expect(await lastUsed(used)).toEqual(server.clock.at);
    expect(await lastUsed(refused)).toBeNull();
  });

  it.each<["read" | "write" | "read_write", string[]]>([
    ["read", ["GET", "HEAD"]],
    ["write", ["POST", "PUT", "DELETE"]],
    ["read_write", ["GET", "HEAD", "POST", "PUT", "DELETE"]],
  ])("[U7] scope %s allows only %j", async (scope, allowed) => {
    const seed = await server.seed({ scope, masterKey: MASTER_KEY });
    const { rows } = await server.pool.query<{ id: string }>(
      `INSERT INTO "Record" ("id", "endpointId", "data") VALUES (gen_random_uuid(), $1, '{}') RETURNING replace("id"::text, '-', '') AS id`,
      [seed.endpointId],
    );
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE"]) {
      const response = await send(`${seed.path}&uniqueId=${rows[0]?.id}`, method, { "X-Master-Key": MASTER_KEY });
      if (allowed.includes(method)) expect(response.ok).toBe(true);
      else if (method === "HEAD") expect(response.status).toBe(403);
      else await expectProblem(response, "key_scope_insufficient");
    }
    if (scope === "read") expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });
  });
});

describe("master key", () => {
  const strict: SeedOptions = { secure: true, allowedOrigins: ["https://app.example"], disallowNoOrigin: true, masterKey: MASTER_KEY };

  it.each<[string, string, Record<string, string>]>([
    ["the header", "", { "X-Master-Key": MASTER_KEY }],
    ["the parameter", `&masterKey=${MASTER_KEY}`, {}],
    ["both", `&masterKey=${MASTER_KEY}`, { "X-Master-Key": MASTER_KEY }],
  ])("[U6] in %s skips origin and token", async (_what, query, headers) => {
    const seed = await server.seed(strict);
    expect((await send(seed.path + query, "POST", headers)).status).toBe(201);
    expect((await send(seed.path + query, "GET", { ...headers, Origin: "https://evil.example" })).status).toBe(200);
  });

  it.each<[string, SeedOptions, string, Record<string, string>]>([
    ["a wrong one in the header", strict, "", { "X-Master-Key": "wrong" }],
    ["a wrong one in the parameter", strict, "&masterKey=wrong", {}],
    ["an empty one", strict, "&masterKey=", {}],
    ["a right and a wrong one", strict, `&masterKey=${MASTER_KEY}`, { "X-Master-Key": "wrong" }],
    ["one on an open endpoint", { masterKey: MASTER_KEY }, "&masterKey=wrong", {}],
    ["one where the project has none", {}, `&masterKey=${MASTER_KEY}`, {}],
  ])("[U6] [U10] is never ignored: %s", async (_what, options, query, headers) => {
    const seed = await server.seed(options);
    await expectRefused(seed, seed.path + query, "master_key_invalid", { Origin: "https://app.example", ...headers });
  });

  it("[S1] a secure endpoint refuses everybody else", async () => {
    const seed = await server.seed({ secure: true });
    await expectRefused(seed, seed.path, "access_token_missing");
    await expectRefused(seed, seed.path, "access_token_invalid", { Authorization: "Bearer something" });
    await expectRefused(seed, seed.path, "access_token_invalid", { Cookie: "__Secure-rested-access-token=something" });
    await expectRefused(seed, `${seed.path}&accessToken=something`, "access_token_missing");
  });
});

describe("the log", () => {
  it("[E2] has no line for a success, and never contains a key", async () => {
    const seed = await server.seed({ masterKey: MASTER_KEY });
    const before = server.logged.length;
    await send(`${seed.path}&masterKey=${MASTER_KEY}`, "POST");
    await send(seed.path);
    expect(server.logged.slice(before)).toEqual([]);
    await send(`${seed.path}&masterKey=wrong-master`, "POST");
    await send(`${seed.path}&uniqueId=x`);
    const told = server.logged.join("\n");
    for (const secret of [seed.key, MASTER_KEY, "wrong-master"]) expect(told).not.toContain(secret);
  });
});
