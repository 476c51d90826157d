/** Tests that a write is decided by the rights at the time when its body has arrived (S9): the client sends its head, rights change, and it sends the body. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { createRuledWorld, type RuledWorld } from "@/tests/support/ruled-world";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { MASTER_KEY } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

interface LateRequest {
  method?: "POST" | "PUT";
  query?: string;
  type?: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  path?: string;
}

interface LateAnswer {
  status: number | undefined;
  code: string | undefined;
  body: ReturnType<typeof JSON.parse>;
}

/** Sends the head, and the body after `meanwhile`. The server has authorized the head by then, because it has asked for the body. */
async function sendLate(
  { world }: RuledWorld,
  meanwhile: () => unknown,
  { method = "POST", query = "", type = "application/json", body = '{"n":1}', headers = {}, path = world.path }: LateRequest = {},
): Promise<LateAnswer> {
  const bytes = Buffer.from(body);
  const request = http.request(`${server.httpOrigin}${path}?key=${world.keys.both}${query}`, {
    method,
    headers: {
      Authorization: `Bearer ${world.users.ann.token}`,
      "Content-Type": type,
      "Content-Length": bytes.length,
      Expect: "100-continue",
      ...headers,
    },
  });
  request.flushHeaders();
  await once(request, "continue");
  const half = Math.floor(bytes.length / 2);
  request.write(bytes.subarray(0, half));
  await meanwhile();
  request.end(bytes.subarray(half));
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  const parsed = JSON.parse(text);
  return { status: response.statusCode, code: parsed.code, body: parsed };
}

const sql = (text: string, values: unknown[]) => server.pool.query(text, values);

/** Changes something of the project, and notifies this server as the management API does. */
async function change({ world: { projectId } }: RuledWorld, text: string, values: unknown[]): Promise<void> {
  await sql(text, values);
  server.definitions.invalidate(projectId);
}

const setEndpoint = (ruled: RuledWorld, assignment: string) =>
  change(ruled, `UPDATE "Endpoint" SET ${assignment} WHERE id = $1`, [ruled.world.endpointId]);
const setKey = (ruled: RuledWorld, assignment: string) =>
  change(ruled, `UPDATE "ApiKey" SET ${assignment} WHERE key = $1`, [ruled.world.keys.both]);
const setProject = (ruled: RuledWorld, assignment: string) =>
  change(ruled, `UPDATE "Project" SET ${assignment} WHERE id = $1`, [ruled.world.projectId]);

async function revoke({ world }: RuledWorld): Promise<void> {
  await sql(`UPDATE "AccessToken" SET "revokedAt" = now() WHERE hash = $1`, [createHash("sha256").update(world.users.ann.token).digest()]);
  server.tokens.invalidate(world.projectId);
}

const stored = async ({ world }: RuledWorld) =>
  (await sql(`SELECT data::text AS data FROM "Record" WHERE "endpointId" = $1 ORDER BY seq`, [world.endpointId])).rows.map(
    ({ data }) => data,
  );

describe("rights that are lost between the head and the body of a creation", () => {
  it.each<[name: string, code: string, lose: (ruled: RuledWorld) => Promise<unknown>]>([
    ["the rules refuse it", "access_denied", (ruled) => ruled.setRules({ create: "false" })],
    ["the user lost the role", "access_denied", (ruled) => ruled.setUser("ann", { role: "guest" })],
    ["the function refuses it", "access_denied", (ruled) => setEndpoint(ruled, `"accessFunction" = '() => false'`)],
    ["the key was revoked", "endpoint_or_key_invalid", (ruled) => setKey(ruled, `"revokedAt" = now()`)],
    [
      "the key was deleted",
      "endpoint_or_key_invalid",
      (ruled) => change(ruled, `DELETE FROM "ApiKey" WHERE key = $1`, [ruled.world.keys.both]),
    ],
    ["the key may only read", "key_scope_insufficient", (ruled) => setKey(ruled, `scope = 'read'`)],
    ["the token was revoked", "access_token_invalid", revoke],
    ["other origins are allowed", "origin_required", (ruled) => setProject(ruled, `"disallowNoOrigin" = true`)],
    ["the endpoint was renamed", "endpoint_or_key_invalid", (ruled) => setEndpoint(ruled, `name = 'other/name'`)],
  ])("[S9] %s: nothing is stored", async (_, code, lose) => {
    const ruled = await createRuledWorld(server, { create: '@user.data.role = "writer"' }, { secure: true });
    await ruled.setUser("ann", { role: "writer" });
    expect((await sendLate(ruled, () => undefined)).status).toBe(201);
    expect((await sendLate(ruled, () => lose(ruled))).code).toBe(code);
    expect(await stored(ruled)).toEqual(['{"n":1}']);
  });

  it.each<[name: string, code: string, request: LateRequest]>([
    ["a bulk", "access_denied", { query: "&bulk=true", body: '[{"n":1},{"n":2}]' }],
    ["an upload", "access_denied", { type: FORM_TYPE, body: toForm([filePart("the file")]) }],
    ["a repeated creation", "access_denied", { headers: { "Idempotency-Key": "the same" } }],
  ])("[S9] %s is refused too", async (_, code, request) => {
    const ruled = await createRuledWorld(server, { create: "true" }, { secure: true });
    if (request.headers) expect((await sendLate(ruled, () => undefined, request)).status).toBe(201);
    const before = await stored(ruled);
    expect((await sendLate(ruled, () => ruled.setRules({ create: "false" }), request)).code).toBe(code);
    expect(await stored(ruled)).toEqual(before);
  });

  it("[S9] a key that expires meanwhile", async () => {
    const ruled = await createRuledWorld(server, null, {});
    const at = server.clock.at;
    await setKey(ruled, `"expiresAt" = '${new Date(at.getTime() + 1_000).toISOString()}'`);
    const late = () => {
      server.clock.at = new Date(at.getTime() + 1_001);
    };
    expect((await sendLate(ruled, late)).code).toBe("endpoint_or_key_invalid");
    server.clock.at = at;
    expect(await stored(ruled)).toEqual([]);
  });

  it("[S9] a token that expires meanwhile", async () => {
    const ruled = await createRuledWorld(server, null, { secure: true });
    const at = server.clock.at;
    const late = () => {
      server.clock.at = new Date(at.getTime() + 3_600_001);
    };
    expect((await sendLate(ruled, late)).code).toBe("access_token_invalid");
    server.clock.at = at;
    expect(await stored(ruled)).toEqual([]);
  });

  it("[S9] a master key that is replaced meanwhile", async () => {
    const ruled = await createRuledWorld(server, { create: "false" }, { secure: true });
    const headers = { "X-Master-Key": MASTER_KEY };
    expect((await sendLate(ruled, () => undefined, { headers })).status).toBe(201);
    const replace = () => setProject(ruled, `"masterKeyHash" = '\\x00'`);
    expect((await sendLate(ruled, replace, { headers })).code).toBe("master_key_invalid");
    expect(await stored(ruled)).toHaveLength(1);
  });

  it("[S9] another endpoint of the same name does not receive it", async () => {
    const ruled = await createRuledWorld(server, null, {});
    const replace = async () => {
      await sql(`UPDATE "Endpoint" SET name = 'other/name' WHERE id = $1`, [ruled.world.endpointId]);
      await change(ruled, `INSERT INTO "Endpoint" (id, "projectId", name) VALUES (gen_random_uuid(), $1, 'things/of-test')`, [
        ruled.world.projectId,
      ]);
    };
    expect((await sendLate(ruled, replace)).code).toBe("endpoint_or_key_invalid");
    const { rows } = await sql(
      `SELECT 1 FROM "Record" r JOIN "Endpoint" e ON e.id = r."endpointId" WHERE e."projectId" = $1 AND e.kind = 'data'`,
      [ruled.world.projectId],
    );
    expect(rows).toEqual([]);
  });

  it("[S9] an endpoint that becomes secure refuses a body without a token, and stores that of a user for the user", async () => {
    const ruled = await createRuledWorld(server, null, {});
    const secure = () => setEndpoint(ruled, "secure = true");
    expect((await sendLate(ruled, secure, { headers: { Authorization: "" } })).code).toBe("access_token_missing");
    await setEndpoint(ruled, "secure = false");
    expect((await sendLate(ruled, secure)).status).toBe(201);
    const { rows } = await sql(`SELECT wire_id("ownerId") AS owner FROM "Record" WHERE "endpointId" = $1`, [ruled.world.endpointId]);
    expect(rows).toEqual([{ owner: ruled.world.users.ann.id }]);
  });
});

describe("rights that are lost between the head and the body of a change", () => {
  it.each(["", "&strategy=merge", "&strategy=replace"])("[S9] PUT %s is refused by a new rule, and by a switch", async (strategy) => {
    const ruled = await createRuledWorld(server, { update: "true" }, { secure: true, othersCanUpdate: true });
    const id = await ruled.add("bob", { n: 0 });
    const request = { method: "PUT", query: `&uniqueId=${id}${strategy}` } as const;
    expect((await sendLate(ruled, () => ruled.setRules({ update: "false" }), request)).code).toBe("access_denied");
    await ruled.setRules(null);
    expect((await sendLate(ruled, () => setEndpoint(ruled, `"othersCanUpdate" = false`), request)).code).toBe("access_denied");
    expect(await ruled.dataOf(id)).toEqual({ n: 0 });
  });

  it("[S9] fields that are hidden meanwhile cannot be set, and are not shown", async () => {
    const ruled = await createRuledWorld(server, { update: "true" }, { secure: true });
    const id = await ruled.add("ann", { n: 0, secret: 1 });
    const hide = () => ruled.setRules({ update: "true", hide: ["secret"] });
    const query = `&uniqueId=${id}`;
    expect((await sendLate(ruled, hide, { method: "PUT", query, body: '{"n":1,"secret":2}' })).code).toBe("access_denied");
    await ruled.setRules({ update: "true" });
    const changed = await sendLate(ruled, hide, { method: "PUT", query, body: '{"n":1}' });
    expect([changed.status, changed.body.data]).toEqual([200, { n: 1 }]);
    expect(await ruled.dataOf(id)).toEqual({ n: 1, secret: 1 });
  });
});

describe("users", () => {
  it("[S9] a registration and a change of a user are refused by rules that are new", async () => {
    const ruled = await createRuledWorld(server, { create: "true", update: "true" }, "people");
    const body = JSON.stringify({ username: "carl", password: "long enough" });
    const refuse = () => ruled.setRules({ create: "false", update: "false" });
    expect((await sendLate(ruled, refuse, { body })).code).toBe("access_denied");
    await ruled.setRules({ create: "true", update: "true" });
    const query = `&uniqueId=${ruled.world.users.ann.id}`;
    expect((await sendLate(ruled, refuse, { method: "PUT", query, body: '{"a":1}' })).code).toBe("access_denied");
    expect((await sendLate(ruled, () => setKey(ruled, `"revokedAt" = now()`), { query: "&login=true&noATCookie=true", body })).code).toBe(
      "endpoint_or_key_invalid",
    );
    expect(await stored(ruled)).toHaveLength(2);
  });
});

describe("rights that remain", () => {
  it("[S9] a write goes on after changes that do not concern it, by the rules and the schema of then", async () => {
    const ruled = await createRuledWorld(server, { create: "n < 10" }, { secure: true });
    const other = await createRuledWorld(server, null, {});
    expect((await sendLate(ruled, () => setProject(other, "name = 'another'"))).status).toBe(201);
    expect((await sendLate(ruled, () => ruled.setUser("bob", { a: 1 }))).status).toBe(201);
    expect((await sendLate(ruled, () => ruled.setRules({ create: "n < 5" }))).status).toBe(201);
    expect((await sendLate(ruled, () => revoke(other))).status).toBe(201);
    const schema = () => setEndpoint(ruled, `schema = '{"type":"object","required":["m"]}'`);
    expect((await sendLate(ruled, schema)).code).toBe("schema_mismatch");
    expect(await stored(ruled)).toHaveLength(4);
  });

  it("[S9] rules judge a creation only when its body has arrived", async () => {
    const ruled = await createRuledWorld(server, { create: "false" }, { secure: true });
    expect((await sendLate(ruled, () => ruled.setRules({ create: "true" }))).status).toBe(201);
  });
});
