/** Tests that the responses of the data plane match the description of its endpoints (G5): statuses, codes, media types, schemas. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toProjectDocument } from "@/src/management/openapi/project/document";
import { type ApiDocument, type ListedOperation, listOperations } from "@/src/shared/openapi";
import { createSchemaCheck } from "@/tests/support/openapi";
import { createDataServer, type DataServer, type Seed, type SeedOptions } from "@/tests/support/servers/data-server";

const UNKNOWN = "0".repeat(32);
const MASTER_KEY = "mk-0123456789abcdef0123456789abcdef";

let server: DataServer;
beforeAll(async () => {
  server = await createDataServer({ rateLimit: 1000 });
});
afterAll(() => server.close());

interface Asked {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** The query after the key. */
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Replaces the seed's headers. */
  path?: string;
  /** The form suffix of the address (U17). */
  form?: string;
}

async function setUp(options: SeedOptions = {}, rules: ReturnType<typeof toDescribed>["rules"] = null, schema: object | null = null) {
  const seed = await server.seed({ masterKey: MASTER_KEY, ...options });
  if (schema) await server.pool.query(`UPDATE "Endpoint" SET schema = $2 WHERE id = $1`, [seed.endpointId, JSON.stringify(schema)]);
  if (rules) await server.pool.query(`UPDATE "Endpoint" SET rules = $2 WHERE id = $1`, [seed.endpointId, JSON.stringify(rules)]);
  const document = toProjectDocument({
    origin: server.origin,
    projectId: seed.projectId,
    projectName: "Test project",
    endpoints: [{ ...toDescribed(seed, options, rules), schema }],
  });
  /** Sends a request and compares the response with the description. */
  const ask = async ({
    method,
    query = "",
    body,
    headers = {},
    form = "",
    path = seed.path.replace("?", `${form}?`),
  }: Asked): Promise<{ status: number; json: Record<string, unknown> }> => {
    const response = await fetch(`${server.origin}${path}${query}`, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const json = await response.json();
    expectDescribed(document, findOperation(document, method, form), response, json);
    return { status: response.status, json };
  };
  return { seed, ask, document };
}

function toDescribed(
  { endpointId, endpointName }: Seed,
  { kind = "data", secure = false }: SeedOptions,
  rules: { read: string | null; create: string | null; update: string | null; delete: string | null; hide: string[] } | null = null,
) {
  const switches = { othersCanRead: false, othersCanUpdate: false, othersCanDelete: false };
  return { id: endpointId, name: endpointName, description: "", kind, secure, ...switches, schema: null, rules, accessFunction: null };
}

function findOperation(document: ApiDocument, method: string, form: string): ListedOperation {
  const found = listOperations(document).find(
    (listed) => listed.method === method.toLowerCase() && (form === "" ? !listed.path.includes(":") : listed.path.endsWith(form)),
  );
  if (!found) throw new Error(`${method} is not described`);
  return found;
}

function expectDescribed(document: ApiDocument, { responses }: ListedOperation, response: Response, json: unknown): void {
  const what = `${response.status} ${JSON.stringify(json)}`;
  const described = responses.find(({ status }) => status === String(response.status))?.response;
  expect(described, what).toBeDefined();
  const mediaType = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const media = described?.content?.[mediaType];
  expect(media, what).toBeDefined();
  expect(createSchemaCheck(document, media?.schema ?? false)(json), what).toEqual([]);
  const known = new Set(Object.keys(described?.headers ?? {}).map((name) => name.toLowerCase()));
  const ours = ["etag", "link", "authorization", "set-cookie", "idempotent-replayed", "retry-after"];
  if (response.ok) for (const name of ours) if (response.headers.has(name)) expect(known, `${name} of ${what}`).toContain(name);
}

describe("an endpoint with access rules", () => {
  it("[G5] [A4] hidden fields are required only where records are created", async () => {
    const schema = {
      type: "object",
      required: ["public", "hidden", "rest"],
      minProperties: 3,
      properties: { rest: { $ref: "#/$defs/rest" } },
      $defs: { rest: { type: "object", required: ["note", "hidden"] } },
    };
    const rules = { read: "true", create: null, update: null, delete: null, hide: ["hidden", "rest.hidden"] };
    const { ask, document } = await setUp({}, rules, schema);
    const whole = { public: true, hidden: 1, rest: { note: "n", hidden: 2 } };
    const left = { public: true, rest: { note: "n" } };
    const { json: record } = await ask({ method: "POST", body: whole });
    expect(record).toMatchObject({ data: left });
    const named = `&uniqueId=${record.uniqueId}`;
    const statuses = [
      await ask({ method: "GET" }),
      await ask({ method: "GET", query: named }),
      await ask({ method: "GET", form: ":data", query: named }),
      await ask({ method: "POST", body: [whole], form: ":bulk" }),
      await ask({ method: "PUT", body: left, query: named }),
      await ask({ method: "PUT", body: { public: true }, query: named }),
      await ask({ method: "POST", body: left }),
      await ask({ method: "DELETE", query: named }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200, 201, 200, 400, 400, 200]);
    const bodyOf = (method: string) => findOperation(document, method, "").body?.content["application/json"]?.schema;
    expect(createSchemaCheck(document, bodyOf("PUT"))(left)).toEqual([]);
    expect(createSchemaCheck(document, bodyOf("POST"))(left)).not.toEqual([]);
  });

  it("[G5] [S7] responds as described", async () => {
    const rules = { read: "public = true", create: "refused missing", update: "@input.refused missing", delete: null, hide: ["hidden"] };
    const { ask } = await setUp({}, rules);
    const { json: record } = await ask({ method: "POST", body: { public: true, hidden: 1 } });
    const { json: receipt } = await ask({ method: "POST", body: { t: 1 } });
    const [id, other] = [`&uniqueId=${record.uniqueId}`, `&uniqueId=${receipt.uniqueId}`];
    const statuses = [
      await ask({ method: "POST", body: { refused: 1 } }),
      await ask({ method: "POST", body: [{ public: true }, {}], form: ":bulk" }),
      await ask({ method: "GET" }),
      await ask({ method: "GET", query: id }),
      await ask({ method: "GET", query: other }),
      await ask({ method: "GET", form: ":data", query: other }),
      await ask({ method: "GET", form: ":file", query: other }),
      await ask({ method: "GET", headers: { Authorization: "Bearer bad" } }),
      await ask({ method: "POST", body: {}, headers: { Authorization: "Bearer bad" } }),
      await ask({ method: "PUT", body: { refused: 1 }, query: id }),
      await ask({ method: "PUT", body: { hidden: 1 }, query: id }),
      await ask({ method: "PUT", body: { u: 1 }, query: other }),
      await ask({ method: "DELETE", query: other }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 201, 200, 200, 403, 403, 403, 401, 401, 403, 403, 200, 200]);
  });
});

describe("an open endpoint", () => {
  it("[G5] responds as described", async () => {
    const { seed, ask } = await setUp();
    const { json: record } = await ask({ method: "POST", body: { t: 1 }, headers: { "Idempotency-Key": "one" } });
    const id = `&uniqueId=${record.uniqueId}`;
    const statuses = [
      await ask({ method: "POST", body: { t: 1 }, headers: { "Idempotency-Key": "one" } }),
      await ask({ method: "POST", body: { t: 2 }, headers: { "Idempotency-Key": "one" } }),
      await ask({ method: "POST", body: { t: 2 }, headers: { "Idempotency-Key": "x".repeat(256) } }),
      await ask({ method: "POST", body: [1, 2], form: ":bulk" }),
      await ask({ method: "POST", body: 1, form: ":bulk" }),
      await ask({ method: "POST", body: "{" }),
      await ask({ method: "POST" }),
      await ask({ method: "POST", body: "x".repeat(2_000_000), headers: { "Content-Type": "text/plain" } }),
      await ask({ method: "POST", body: 1, headers: { "Content-Type": "image/png" } }),
      await ask({ method: "GET" }),
      await ask({ method: "GET", query: id }),
      await ask({ method: "GET", query: "&limit=1" }),
      await ask({ method: "GET", query: "&limit=0" }),
      await ask({ method: "GET", query: "&cursor=x&limit=1" }),
      await ask({ method: "GET", query: "&uniqueId=x" }),
      await ask({ method: "GET", form: ":query", query: "&jsonata=%24%24" }),
      await ask({ method: "GET", form: ":query", query: "&jsonata=%24&dataOnly=true" }),
      await ask({ method: "GET", form: ":query", query: "&jsonata=(" }),
      await ask({ method: "GET", form: ":data" }),
      await ask({ method: "GET", form: ":data", query: "&limit=0" }),
      await ask({ method: "GET", form: ":file" }),
      await ask({ method: "GET", form: ":file", query: id }),
      await ask({ method: "POST", form: ":file", body: 1 }),
      await ask({ method: "PUT", body: { u: 1 }, query: `${id}&strategy=merge` }),
      await ask({ method: "PUT", body: 1, query: `${id}&strategy=merge` }),
      await ask({ method: "PUT", body: "text", query: `${id}&strategy=replace`, headers: { "Content-Type": "text/plain" } }),
      await ask({ method: "PUT", body: 1, query: id, headers: { "If-Match": '"9"' } }),
      await ask({ method: "PUT", body: 1, query: `&uniqueId=${UNKNOWN}` }),
      await ask({ method: "PUT", body: 1 }),
      await ask({ method: "DELETE", query: id, headers: { "If-Match": '"9"' } }),
      await ask({ method: "DELETE", query: id }),
      await ask({ method: "DELETE", query: id }),
      await ask({ method: "GET", headers: { "X-Master-Key": "wrong" } }),
      await ask({ method: "GET", path: `/api/1/ce/${seed.endpointName}?` }),
      await ask({ method: "GET", path: `/api/1/ce/${seed.endpointName}?key=${UNKNOWN}` }),
    ].map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 201, 400, 403, 404, 412, 413, 422]));
  });

  it("[G5] [U8] responds as described when a limit is exceeded or a key has no permission", async () => {
    const { seed, ask } = await setUp({ scope: "read" });
    expect((await ask({ method: "POST", body: 1 })).json.code).toBe("key_scope_insufficient");
    await server.pool.query(`UPDATE "Project" SET "rateLimit" = 1 WHERE "id" = $1`, [seed.projectId]);
    await server.definitions.checkRevisions();
    expect((await ask({ method: "GET" })).json.code).toBe("rate_limited");
  });
});

describe("a secure endpoint", () => {
  it("[G5] [S1] responds as described", async () => {
    const { ask } = await setUp({ secure: true });
    expect((await ask({ method: "GET" })).json.code).toBe("access_token_missing");
    expect((await ask({ method: "POST", body: 1, headers: { Authorization: "Bearer x" } })).json.code).toBe("access_token_invalid");
    expect((await ask({ method: "POST", body: 1, headers: { "X-Master-Key": MASTER_KEY } })).status).toBe(201);
  });
});

describe("an authentication endpoint", () => {
  it("[G5] [L1] [L2] responds as described", async () => {
    const { ask } = await setUp({ kind: "authentication" });
    const ada = { username: "ada", password: "correct horse" };
    expect((await ask({ method: "POST", body: ada })).status).toBe(201);
    expect((await ask({ method: "POST", body: ada })).json.code).toBe("username_taken");
    expect((await ask({ method: "POST", body: {} })).json.code).toBe("credentials_missing");
    expect((await ask({ method: "POST", body: { ...ada, password: "x" } })).json.code).toBe("credentials_invalid");
    expect((await ask({ method: "POST", body: { ...ada, password: "wrong one" }, form: ":login" })).json.code).toBe("login_failed");
    expect((await ask({ method: "POST", body: ada, form: ":login" })).status).toBe(200);
    expect((await ask({ method: "POST", body: ada, form: ":login", query: "&noATCookie=true" })).status).toBe(200);
    expect((await ask({ method: "POST", form: ":logout" })).json.code).toBe("access_token_missing");
    expect((await ask({ method: "POST", body: ada, form: ":login", query: "&logout=true" })).json.code).toBe("parameter_invalid");
    const asMaster = { "X-Master-Key": MASTER_KEY };
    const [user] = Object.values((await ask({ method: "GET", headers: asMaster })).json);
    const id = typeof user === "object" && user !== null && "uniqueId" in user ? `&uniqueId=${user.uniqueId}` : "";
    expect((await ask({ method: "PUT", query: id, body: { age: 36 }, headers: asMaster })).status).toBe(200);
    expect((await ask({ method: "PUT", query: id, body: 5, headers: asMaster })).json.code).toBe("body_invalid");
    expect((await ask({ method: "DELETE", query: id, headers: asMaster })).status).toBe(200);
    expect((await ask({ method: "DELETE", query: id, headers: asMaster })).json.code).toBe("record_not_found");
  });
});
