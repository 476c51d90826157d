/** Tests the API descriptions (G5): they are valid and complete, and routes respond as described. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MANAGE_OPERATIONS } from "@/src/management/openapi/manage/document";
import { type ApiDocument, type ListedOperation, listOperations } from "@/src/shared/openapi";
import { createSchemaCheck, findOpenApiProblems } from "@/tests/support/openapi";
import { type Answer, MANAGE_PATHS, type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let document: ApiDocument;

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  document = (await server.call("GET", "/api/manage/openapi.json")).body;
});
afterAll(() => server.stop());

const ID = "00000000-0000-4000-8000-000000000000";

describe("openapi.json", () => {
  it("[G5] is valid OpenAPI 3.1, and all of its references resolve", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(findOpenApiProblems(document)).toEqual([]);
  });

  it("[G5] is public: pages of every site may read it", async () => {
    for (const headers of [{}, { "sec-fetch-site": "cross-site", origin: "https://elsewhere.test" }]) {
      const answer = await server.call("GET", "/api/manage/openapi.json", { headers });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  it("[G5] the preflights of both descriptions are granted to every origin, with all requested headers", async () => {
    for (const path of ["/api/manage/openapi.json", `/api/manage/projects/${ID}/openapi.json`]) {
      const headers = {
        origin: "https://elsewhere.test",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization,x-trace",
      };
      const answer = await server.call("OPTIONS", path, { headers });
      expect(answer.status).toBe(204);
      expect(Object.fromEntries([...answer.headers].filter(([name]) => /^access-control|^vary/.test(name)))).toEqual({
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD, OPTIONS",
        "access-control-allow-headers": "Authorization, Content-Type, x-trace",
        "access-control-expose-headers": "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id",
        "access-control-max-age": "7200",
        vary: "Access-Control-Request-Headers",
      });
    }
  });

  it("[G5] every page can read a project's description with a token, and none with a session", async () => {
    const project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
    const path = `/api/manage/projects/${project.id}/openapi.json`;
    const headers = { "sec-fetch-site": "cross-site", origin: "https://elsewhere.test" };
    const { token } = (await ada.call("POST", "/api/manage/account/tokens", { body: { name: "docs", scope: "read" } })).body;
    const byToken = await server.call("GET", path, { headers: { ...headers, authorization: `Bearer ${token}` } });
    const bySession = await server.call("GET", path, { headers: { ...headers, cookie: "rested.session=any" } });
    expect([byToken.status, bySession.status, bySession.body.code]).toEqual([200, 403, "cross_site_request"]);
    for (const answer of [byToken, bySession]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  it("[G5] lists every method of every route, and no other", async () => {
    const listed = MANAGE_OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} /api/manage/${path}`);
    const existing: string[] = [];
    for (const path of MANAGE_PATHS) {
      const allow = (await server.call("OPTIONS", path.replaceAll(/\{\w+\}/g, ID))).headers.get("allow") ?? "";
      for (const method of allow.split(", ")) if (!/^(HEAD|OPTIONS)$/.test(method)) existing.push(`${method} ${path}`);
    }
    expect(listed.toSorted()).toEqual(existing.toSorted());
    expect(listOperations(document)).toHaveLength(listed.length);
  });

  it("[G5] describes who may send a request: without a sign-in, with a session or a token", async () => {
    for (const { method, path, operation } of listOperations(document)) {
      const answer = await server.call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, ID));
      const isPublic = operation.security?.length === 0;
      expect(answer.body?.code === "session_missing", `${method} ${path}`).toBe(!isPublic);
    }
  });

  it("[G5] defines every tag and scheme that it uses", () => {
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const { operation } of listOperations(document)) {
      for (const tag of operation.tags) expect(tags).toContain(tag);
      for (const scheme of (operation.security ?? []).flatMap(Object.keys))
        expect(document.components.securitySchemes).toHaveProperty(scheme);
    }
  });

  it("[G5] [G6] its schemas reject what the API rejects", async () => {
    const check = createSchemaCheck(document, document.components.schemas.ProjectCreate);
    for (const body of [{}, { name: 5 }, { name: "Weather", rateLimit: 0 }, { name: "Weather", colour: "blue" }]) {
      expect(check(body)).not.toEqual([]);
      expect((await ada.call("POST", "/api/manage/projects", { body })).body.code).toBe("fields_invalid");
    }
    expect(check({ name: "Weather", allowedOrigins: ["https://a.com"], rateLimit: null })).toEqual([]);
  });

  it("[G5] responses, including errors, have the described schemas and codes", { timeout: 60_000 }, async () => {
    const seen: string[] = [];
    const ask = async (method: string, path: string, ask: { body?: unknown; headers?: Record<string, string> } = {}): Promise<Answer> => {
      const answer = await ada.call(method, `/api/manage/${path}`, ask);
      const found = findOperation(method, `/api/manage/${path.split("?")[0]}`);
      const response = found.responses.find(({ status }) => status === String(answer.status))?.response;
      expect(response, `${method} ${path}: ${answer.status} ${answer.text}`).toBeDefined();
      const [media] = Object.values(response?.content ?? {});
      if (media) expect(createSchemaCheck(document, media.schema)(answer.body), `${method} ${path}`).toEqual([]);
      else expect(answer.text).toBe("");
      seen.push(found.operation.operationId);
      return answer;
    };
    const { project, endpoint } = (await ask("POST", "start", { body: { name: "Readings" } })).body;
    const created = (await ask("POST", "projects", { body: { name: "Weather" } })).body;
    await ask("GET", "projects");
    await ask("GET", `projects/${project.id}`);
    await ask("PATCH", `projects/${project.id}`, { body: { rateLimit: 100 } });
    await ask("PATCH", `projects/${project.id}`, { body: { rateLimit: -1 } });
    await ask("POST", `projects/${project.id}/master-key`);
    await ask("DELETE", `projects/${project.id}/master-key`);
    await ask("GET", `projects/${project.id}/keys`);
    const key = (await ask("POST", `projects/${project.id}/keys`, { body: { name: "Second", scope: "read" } })).body;
    const rotated = (await ask("POST", `keys/${key.id}/rotate`, { body: { graceSeconds: 0 } })).body;
    await ask("POST", `keys/${key.id}/rotate`, { body: { graceSeconds: 0 } });
    await ask("DELETE", `keys/${rotated.id}`);
    await ask("GET", `projects/${project.id}/endpoints`);
    const users = (await ask("POST", `projects/${project.id}/endpoints`, { body: { name: "users/all", kind: "authentication" } })).body;
    await ask("POST", `projects/${project.id}/endpoints`, { body: { name: "users/all" } });
    await ask("GET", `endpoints/${endpoint.id}`);
    await ask("PATCH", `endpoints/${endpoint.id}`, { body: { description: "Of the garden" } });
    await ask("POST", `endpoints/${endpoint.id}/stream-ticket`);
    const record = (await ask("POST", `endpoints/${endpoint.id}/records`, { body: { t: 21.5 } })).body;
    await ask("PUT", `endpoints/${endpoint.id}/records/${record.uniqueId}?strategy=merge`, { body: { u: 1 } });
    await ask("PUT", `endpoints/${endpoint.id}/records/${record.uniqueId}?strategy=merge`, { body: 1 });
    await ask("PUT", `endpoints/${endpoint.id}/records/${record.uniqueId}`, { body: 1, headers: { "if-match": '"99"' } });
    await ask("DELETE", `endpoints/${endpoint.id}/records/${record.uniqueId}`, { headers: { "if-match": '"99"' } });
    await ask("GET", `endpoints/${endpoint.id}/records`);
    await ask("GET", `endpoints/${endpoint.id}/records?limit=0`);
    await ask("GET", `endpoints/${endpoint.id}/records/${record.uniqueId}`);
    await ask("GET", `endpoints/${endpoint.id}/changes`);
    await ask("GET", `endpoints/${endpoint.id}/changes?limit=0`);
    const changes = [{ field: "t", value: { deep: 1 } }];
    const edit = { uniqueId: record.uniqueId, version: 1, changes };
    await ask("POST", `endpoints/${endpoint.id}/records/update/preview`, {
      body: { changes: [{ field: "a.b", remove: true }, ...changes] },
    });
    await ask("POST", `endpoints/${endpoint.id}/records/update`, { body: { changes, limit: 1 } });
    await ask("POST", `endpoints/${endpoint.id}/records/update`, { body: { changes: [{ field: "t.deep.er", value: 1 }] } });
    await ask("POST", `endpoints/${endpoint.id}/records/update`, { body: { changes: [] } });
    await ask("POST", `endpoints/${endpoint.id}/records/edit`, { body: { records: [edit, { ...edit, uniqueId: "0".repeat(32) }] } });
    await ask("GET", `projects/${project.id}/records/${record.uniqueId}`);
    await ask("GET", `projects/${project.id}/records/${"0".repeat(32)}`);
    const view = (await ask("POST", `endpoints/${endpoint.id}/views`, { body: { name: "Hot", columns: [{ path: ["t"], width: 90 }] } }))
      .body;
    await ask("POST", `endpoints/${endpoint.id}/views`, { body: { name: "Hot" } });
    await ask("PATCH", `endpoints/${endpoint.id}/views/${view.id}`, { body: { order: "updated" } });
    await ask("GET", `endpoints/${endpoint.id}/views`);
    await ask("DELETE", `endpoints/${endpoint.id}/views/${view.id}`);
    await ask("POST", `endpoints/${endpoint.id}/records/delete`, { body: { uniqueIds: [record.uniqueId] } });
    await ask("DELETE", `endpoints/${endpoint.id}/records/${record.uniqueId}`);
    await ask("GET", `endpoints/${users.id}/user-emails`);
    await ask("PATCH", `endpoints/${users.id}/user-emails`, { body: { loginCodes: true } });
    await ask("PATCH", `endpoints/${users.id}/user-emails`, { body: { linkBase: "nowhere" } });
    await ask("POST", `endpoints/${users.id}/user-emails/preview`, { body: { kind: "code" } });
    await ask("POST", "forgot", { body: { email: "ada@example.com" } });
    await ask("POST", "reset", { body: { token: "x", password: "a password of ada" } });
    await ask("GET", `endpoints/${users.id}/users`);
    const person = (await ask("POST", `endpoints/${users.id}/users`, { body: { data: { username: "ada" }, password: "open sesame" } }))
      .body;
    await ask("POST", `endpoints/${users.id}/users`, { body: { data: { email: "bob@example.com" }, invite: true } });
    await ask("POST", `endpoints/${users.id}/users/${person.id}/password-email`);
    await ask("GET", `endpoints/${users.id}/users/${"0".repeat(32)}`);
    await ask("GET", `projects/${project.id}/openapi.json`);
    const hook = (await ask("POST", `projects/${project.id}/webhooks`, { body: { url: "https://example.invalid/hooks" } })).body;
    await ask("POST", `projects/${project.id}/webhooks`, { body: { url: "https://127.0.0.1/" } });
    await ask("GET", `projects/${project.id}/webhooks`);
    await ask("GET", `webhooks/${hook.id}`);
    await ask("PATCH", `webhooks/${hook.id}`, { body: { operations: ["PUT"], filter: "data.t > 1" } });
    await ask("PATCH", `webhooks/${hook.id}`, { body: { filter: "(" } });
    await ask("POST", `webhooks/${hook.id}/pause`);
    await ask("POST", `webhooks/${hook.id}/resume`);
    await ask("POST", `webhooks/${hook.id}/replay`, { body: { from: "now" } });
    await ask("POST", `webhooks/${hook.id}/rotate-secret`, { body: { graceSeconds: 60 } });
    await ask("GET", `webhooks/${hook.id}/deliveries`);
    await ask("GET", `webhooks/${hook.id}/deliveries?limit=0`);
    await ask("POST", `webhooks/${hook.id}/deliveries/${hook.id}/resend`);
    await ask("DELETE", `webhooks/${hook.id}`);
    await ask("GET", "account");
    await ask("PATCH", "account", { body: { name: "Ada Lovelace" } });
    await ask("GET", "account/sessions");
    const token = (await ask("POST", "account/tokens", { body: { name: "CI" } })).body;
    await ask("GET", "account/tokens");
    await ask("DELETE", `account/tokens/${token.id}`);
    await ask("DELETE", `account/tokens/${token.id}`);
    await ask("DELETE", `endpoints/${endpoint.id}`);
    await ask("DELETE", `projects/${project.id}`);
    await ask("DELETE", `projects/${created.id}`);
    expect(new Set(seen).size).toBeGreaterThan(30);
  });
});

function findOperation(method: string, path: string): ListedOperation {
  const matches = listOperations(document).filter(
    (listed) => listed.method === method.toLowerCase() && new RegExp(`^${listed.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
  const found = matches.find((listed) => listed.path === path) ?? matches[0];
  if (!found) throw new Error(`${method} ${path} is not described`);
  return found;
}

describe("projects/{id}/openapi.json", () => {
  const SCHEMA = {
    type: "object",
    required: ["t"],
    properties: { t: { $ref: "#/$defs/celsius" } },
    $defs: { celsius: { type: "number", minimum: -273.15 } },
  };

  async function describeProject(
    endpoints: readonly { schema?: object; name: string; [field: string]: unknown }[],
  ): Promise<{ project: { id: string }; described: ApiDocument; text: string }> {
    const project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
    for (const { schema, ...body } of endpoints) {
      const created = await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body });
      expect(created.status, created.text).toBe(201);
      if (schema) await server.runtime.db.endpoint.update({ where: { id: created.body.id }, data: { schema } });
    }
    const answer = await ada.call("GET", `/api/manage/projects/${project.id}/openapi.json`);
    expect(answer.status).toBe(200);
    return { project, described: answer.body, text: answer.text };
  }

  it("[G5] describes each endpoint by its kind, valid OpenAPI 3.1, without keys", async () => {
    const { project, described, text } = await describeProject([
      { name: "garden/readings", description: "One a minute.", schema: SCHEMA },
      { name: "open-notes" },
      { name: "people", kind: "authentication" },
      { name: "secrets", secure: true, othersCanRead: true },
    ]);
    expect(findOpenApiProblems(described)).toEqual([]);
    expect(described.info.title).toBe("Weather");
    for (const name of ["garden/readings", "open-notes", "people", "secrets"]) {
      const path = described.paths[`/api/1/ce/${name}`];
      for (const method of ["get", "post", "put", "delete"] as const) expect(path?.[method]).toBeDefined();
      const forms = Object.keys(described.paths).flatMap((other) => other.split(`/api/1/ce/${name}:`)[1] ?? []);
      const ofKind = name === "people" ? ["login", "logout", "forgot", "reset", "verify", "link", "code"] : ["bulk", "file", "fileToken"];
      expect(forms).toEqual(["data", "query", ...ofKind, "events"]);
    }
    const keys = await server.runtime.db.apiKey.findMany({ where: { projectId: project.id } });
    expect(keys).toHaveLength(1);
    for (const { key } of keys) expect(text).not.toContain(key);
  });

  it("[G5] [R10] a JSON body has the endpoint's schema, whose internal references resolve", async () => {
    const { described } = await describeProject([{ name: "garden/readings", schema: SCHEMA }, { name: "open-notes" }]);
    const bodyOf = (name: string) => described.paths[`/api/1/ce/${name}`]?.post?.requestBody?.content["application/json"]?.schema;
    const check = createSchemaCheck(described, bodyOf("garden/readings"));
    expect(check({ t: 20 })).toEqual([]);
    expect(check({ t: -300 })).toEqual(["/t: must be >= -273.15"]);
    expect(check({})).not.toEqual([]);
    expect(createSchemaCheck(described, bodyOf("open-notes"))("anything")).toEqual([]);
  });

  it("[G5] [S1] [L4] describes which token is needed, and which errors are possible", async () => {
    const { described } = await describeProject([
      { name: "open-notes" },
      { name: "people", kind: "authentication" },
      { name: "secrets", secure: true },
    ]);
    const operations = listOperations(described);
    const find = (name: string, method: string) => operations.find((each) => each.path.endsWith(`/${name}`) && each.method === method);
    const BY_TOKEN = ["key", "keyHeader"].flatMap((key) => ["accessToken", "accessTokenCookie"].map((second) => `${key}+${second}`));
    const securityOf = (name: string, method: string) =>
      (find(name, method)?.operation.security ?? []).map((schemes) => Object.keys(schemes).join("+"));
    expect(securityOf("open-notes", "get")).toEqual(["key", "keyHeader"]);
    expect(securityOf("secrets", "post")).toEqual(BY_TOKEN);
    expect(securityOf("people", "get")).toEqual(BY_TOKEN);
    const OPEN = ["key", "keyHeader"];
    expect(securityOf("people", "post")).toEqual(OPEN);
    expect(securityOf("people:login", "post")).toEqual(OPEN);
    expect(securityOf("people:logout", "post")).toEqual(BY_TOKEN);
    const codesOf = (name: string, method: string) =>
      (find(name, method)?.responses ?? []).flatMap(({ response }) =>
        [...response.description.matchAll(/^`(\w+)`/gm)].map(([, code]) => code),
      );
    expect(codesOf("open-notes", "put")).toEqual(expect.arrayContaining(["record_not_found", "version_conflict", "rate_limited"]));
    expect(codesOf("open-notes", "put")).not.toContain("access_denied");
    expect(codesOf("secrets", "put")).toEqual(expect.arrayContaining(["access_denied", "access_token_missing"]));
    expect(codesOf("people", "post")).toContain("username_taken");
    expect(codesOf("people:login", "post")).toContain("login_failed");
  });

  it("[G5] a project without endpoints has an empty description", async () => {
    const { described } = await describeProject([]);
    expect(described.paths).toEqual({});
    expect(findOpenApiProblems(described)).toEqual([]);
  });

  it("[G6] another account's project is not found", async () => {
    const { project } = await describeProject([]);
    const eve = await server.createPerson("Eve");
    expect((await eve.call("GET", `/api/manage/projects/${project.id}/openapi.json`)).body.code).toBe("not_found");
  });
});
