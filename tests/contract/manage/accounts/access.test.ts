/** Tests the access rules that apply to every route of the management API. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Call, MANAGE_PATHS, type ManageServer, ORIGIN, type Person, startManageServer } from "../../../support/servers/manage-server";

const NOBODY = "019a0000-0000-7000-8000-000000000000";
const NO_RECORD = "0".repeat(32);
const USER = `/api/manage/endpoints/{endpoint}/users/${NO_RECORD}`;
const PUBLIC_PATHS = ["/api/manage/setup", "/api/manage/signup", "/api/manage/forgot", "/api/manage/reset", "/api/manage/openapi.json"];

const FILE: Call = { raw: { contentType: "text/plain", bytes: "a file" } };
/** Schemas are larger than other bodies. */
const BODY_BYTES = { form: 70_000, schema: 2_000_000 };

const SET = { field: "status", value: "stolen" };
const EMAIL = { host: "smtp.example.com", port: 587, secure: false, from: "shop@example.com" };

/** A valid request for every method of every route that needs a sign-in. */
const REQUESTS: { method: string; path: string; call?: Call }[] = [
  { method: "GET", path: "/api/manage/projects" },
  { method: "POST", path: "/api/manage/projects", call: { body: { name: "Weather" } } },
  { method: "GET", path: "/api/manage/projects/{project}" },
  { method: "PATCH", path: "/api/manage/projects/{project}", call: { body: { name: "Stolen" } } },
  { method: "POST", path: "/api/manage/projects/{project}/master-key" },
  { method: "DELETE", path: "/api/manage/projects/{project}/master-key" },
  { method: "GET", path: "/api/manage/projects/{project}/usage" },
  { method: "GET", path: "/api/manage/projects/traffic" },
  { method: "GET", path: "/api/manage/projects/{project}/traffic" },
  { method: "GET", path: "/api/manage/projects/{project}/requests" },
  { method: "GET", path: "/api/manage/projects/{project}/changes" },
  { method: "POST", path: "/api/manage/projects/{project}/requests/recording" },
  { method: "DELETE", path: "/api/manage/projects/{project}/requests/recording" },
  { method: "PATCH", path: "/api/manage/projects/{project}/quotas", call: { body: { records: 1 } } },
  { method: "GET", path: "/api/manage/projects/{project}/keys" },
  { method: "POST", path: "/api/manage/projects/{project}/keys", call: { body: { name: "Mine" } } },
  { method: "GET", path: "/api/manage/projects/{project}/endpoints" },
  { method: "POST", path: "/api/manage/projects/{project}/endpoints", call: { body: { name: "mine/too" } } },
  { method: "POST", path: "/api/manage/projects/{project}/templates", call: { body: { template: "chat" } } },
  { method: "POST", path: "/api/manage/keys/{key}/rotate", call: { body: { graceSeconds: 0 } } },
  { method: "DELETE", path: "/api/manage/keys/{key}" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}" },
  { method: "PATCH", path: "/api/manage/endpoints/{endpoint}", call: { body: { name: "stolen" } } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/stream-ticket" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/changes" },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/records", call: { body: { a: 1 } } },
  { method: "PUT", path: `/api/manage/endpoints/{endpoint}/records/${NO_RECORD}`, call: { body: { a: 1 } } },
  { method: "DELETE", path: `/api/manage/endpoints/{endpoint}/records/${NO_RECORD}` },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/records" },
  { method: "GET", path: `/api/manage/endpoints/{endpoint}/records/${NO_RECORD}` },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/records/delete", call: { body: { uniqueIds: [NO_RECORD] } } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/records/update", call: { body: { changes: [SET] } } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/records/update/preview", call: { body: { changes: [SET] } } },
  {
    method: "POST",
    path: "/api/manage/endpoints/{endpoint}/records/edit",
    call: { body: { records: [{ uniqueId: NO_RECORD, version: 1, changes: [SET] }] } },
  },
  { method: "GET", path: `/api/manage/projects/{project}/records/${NO_RECORD}` },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/views" },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/views", call: { body: { name: "Open" } } },
  { method: "PATCH", path: "/api/manage/endpoints/{endpoint}/views/{view}", call: { body: { name: "Open" } } },
  { method: "DELETE", path: "/api/manage/endpoints/{endpoint}/views/{view}" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/export?format=json" },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/export", call: { body: { format: "csv", uniqueIds: [NO_RECORD] } } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/import", call: { body: [1] } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/files?name=a.txt", call: FILE },
  { method: "GET", path: `/api/manage/endpoints/{endpoint}/files/${NO_RECORD}` },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/schema-check", call: { body: { schema: true, body: 1 } } },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/access-versions" },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/access-versions", call: { body: { number: 1 } } },
  {
    method: "POST",
    path: "/api/manage/endpoints/{endpoint}/access-check",
    call: { body: { user: null, operation: "read", record: { data: 1 } } },
  },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/access-preview", call: { body: { users: [null] } } },
  { method: "GET", path: "/api/manage/projects/{project}/openapi.json" },
  { method: "GET", path: "/api/manage/projects/{project}/connections" },
  { method: "DELETE", path: "/api/manage/connections/{connection}" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/changes/{change}/delivery" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/user-emails" },
  { method: "PATCH", path: "/api/manage/endpoints/{endpoint}/user-emails", call: { body: { loginCodes: true } } },
  { method: "POST", path: "/api/manage/endpoints/{endpoint}/user-emails/preview", call: { body: { kind: "reset" } } },
  { method: "GET", path: "/api/manage/projects/{project}/email" },
  { method: "PUT", path: "/api/manage/projects/{project}/email", call: { body: EMAIL } },
  { method: "POST", path: "/api/manage/projects/{project}/email/test", call: { body: { to: "eve@example.com" } } },
  { method: "DELETE", path: "/api/manage/projects/{project}/email" },
  { method: "GET", path: "/api/manage/projects/{project}/webhooks" },
  { method: "POST", path: "/api/manage/projects/{project}/webhooks", call: { body: { url: "https://203.0.113.7/hook" } } },
  { method: "GET", path: "/api/manage/webhooks/{webhook}" },
  { method: "PATCH", path: "/api/manage/webhooks/{webhook}", call: { body: { operations: ["POST"] } } },
  { method: "GET", path: "/api/manage/webhooks/{webhook}/deliveries" },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/deliveries/{delivery}/resend" },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/pause" },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/resume" },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/replay", call: { body: { from: "now" } } },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/test" },
  { method: "POST", path: "/api/manage/webhooks/{webhook}/rotate-secret", call: { body: { graceSeconds: 60 } } },
  { method: "DELETE", path: "/api/manage/webhooks/{webhook}" },
  { method: "GET", path: "/api/manage/endpoints/{endpoint}/users" },
  {
    method: "POST",
    path: "/api/manage/endpoints/{endpoint}/users",
    call: { body: { data: { username: "eve" }, password: "correct horse" } },
  },
  { method: "POST", path: `${USER}/password-email` },
  { method: "GET", path: USER },
  { method: "DELETE", path: USER },
  { method: "GET", path: `${USER}/sessions` },
  { method: "DELETE", path: `${USER}/sessions` },
  { method: "DELETE", path: `${USER}/sessions/{session}` },
  { method: "PUT", path: `${USER}/password`, call: { body: { password: "correct horse" } } },
  { method: "DELETE", path: "/api/manage/account/sessions/{session}" },
  { method: "DELETE", path: "/api/manage/account/tokens/{token}" },
  { method: "DELETE", path: "/api/manage/endpoints/{endpoint}" },
  { method: "DELETE", path: "/api/manage/projects/{project}" },
  { method: "POST", path: "/api/manage/start", call: { body: { name: "Readings" } } },
  { method: "GET", path: "/api/manage/account" },
  { method: "PATCH", path: "/api/manage/account", call: { body: { name: "Me" } } },
  { method: "POST", path: "/api/manage/account/password", call: { body: { currentPassword: "x", newPassword: "correct horse" } } },
  { method: "GET", path: "/api/manage/account/sessions" },
  { method: "DELETE", path: "/api/manage/account/sessions" },
  { method: "GET", path: "/api/manage/account/tokens" },
  { method: "POST", path: "/api/manage/account/tokens", call: { body: { name: "ci" } } },
];
const OWNED = REQUESTS.filter(({ path }) => path.includes("{"));

let server: ManageServer;
let ada: Person;
let eve: Person;
/** Ada's ids, by the placeholders above. */
let adas: Record<string, string>;

const fill = (path: string, ids: Readonly<Record<string, string>>) => path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? NOBODY);

beforeAll(async () => {
  server = await startManageServer();
  ada = await server.createPerson("Ada");
  eve = await server.createPerson("Eve");
  const { body } = await ada.call("POST", "/api/manage/start", { body: { name: "Secret things" } });
  const session = await server.runtime.db.session.create({ data: { userId: ada.id, expiresAt: new Date(Date.now() + 60_000) } });
  const tokens = await ada.call("GET", "/api/manage/account/tokens");
  const { id: projectId } = body.project;
  const webhook = await server.runtime.db.webhook.create({
    data: { projectId, url: "https://203.0.113.7/", secret: Buffer.from("sealed") },
  });
  await server.runtime.db.projectEmail.create({ data: { ...EMAIL, projectId, recipients: "self", rate: 60 } });
  const view = await server.runtime.db.recordView.create({ data: { endpointId: body.endpoint.id, name: "All", content: {} } });
  adas = {
    view: view.id,
    ...{ project: projectId, endpoint: body.endpoint.id, key: body.key.id, session: session.id, token: tokens.body[0].id },
    webhook: webhook.id,
  };
});
afterAll(() => server.stop());

/** The rows of Ada's in the database, without columns that reads change. */
async function snapshot(): Promise<string> {
  const { db } = server.runtime;
  const endpoints = await db.endpoint.findMany({ where: { project: { ownerId: ada.id } } });
  const all = [
    await db.project.findMany({ where: { ownerId: ada.id } }),
    await db.apiKey.findMany({ where: { project: { ownerId: ada.id } } }),
    endpoints,
    await db.record.findMany({ where: { endpointId: { in: endpoints.map(({ id }) => id) } } }),
    await db.session.findMany({ where: { userId: ada.id } }),
    await db.managementToken.findMany({ where: { userId: ada.id }, omit: { lastUsedAt: true } }),
    await db.streamTicket.findMany({ where: { userId: ada.id } }),
    // Reading a webhook's log is not a change by a request.
    await db.webhook.findMany({ where: { project: { ownerId: ada.id } }, omit: { lastTriedAt: true } }),
    await db.recordView.findMany({ where: { endpoint: { project: { ownerId: ada.id } } } }),
    await db.projectEmail.findMany({ where: { project: { ownerId: ada.id } } }),
  ];
  return JSON.stringify(all, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

describe("the requests of this suite", () => {
  it("cover every method of every route", async () => {
    const expected: string[] = [];
    for (const path of MANAGE_PATHS.filter((each) => !PUBLIC_PATHS.includes(each))) {
      const options = await server.call("OPTIONS", path);
      const methods = (options.headers.get("allow") ?? "").split(", ").filter((method) => method !== "OPTIONS" && method !== "HEAD");
      expected.push(...methods.map((method) => `${method} ${path.replace(/\{(?!uniqueId)\w+\}/g, "{id}")}`));
    }
    const tested = REQUESTS.map(
      ({ method, path }) =>
        `${method} ${path
          .replace(/\?.*/, "")
          .replace(NO_RECORD, "{uniqueId}")
          .replace(/\{(?!uniqueId)\w+\}/g, "{id}")}`,
    );
    expect(tested.sort()).toEqual(expected.sort());
  });
});

describe.each(REQUESTS)("$method $path", ({ method, path, call }) => {
  it("[G1] is refused without a session or token: 401 session_missing", async () => {
    const answer = await server.call(method, fill(path, adas), call);
    expect(answer).toMatchObject({
      status: 401,
      body: { code: "session_missing", status: 401, requestId: expect.stringMatching(/^req-/) },
    });
    expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(answer.headers.get("x-request-id")).toBe(answer.body.requestId);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("[G1] is refused with a project's key instead of a token, with the token to send", async () => {
    const key = "0123456789abcdef".repeat(2);
    for (const secret of [key, `mk_${key}`]) {
      const answer = await server.call("GET", "/api/manage/projects", { headers: { authorization: `Bearer ${secret}` } });
      expect(answer).toMatchObject({
        status: 401,
        body: { code: "management_token_invalid", detail: expect.stringMatching(/Create a management token/) },
      });
      expect(answer.text).not.toContain(key);
    }
    const byHeader = await server.call("GET", "/api/manage/projects", { headers: { "x-api-key": key } });
    expect(byHeader).toMatchObject({
      status: 401,
      body: { code: "session_missing", detail: expect.stringMatching(/Authorization: Bearer/) },
    });
  });

  it("[G1] is refused with an invalid token, whatever cookie is sent: 401 management_token_invalid", async () => {
    for (const authorization of ["Bearer rst_wrong", `Bearer ${ada.token}x`, ada.token, `Basic ${ada.token}`, "Bearer", ""]) {
      const answer = await server.call(method, fill(path, adas), { ...call, headers: { authorization } });
      expect(answer).toMatchObject({ status: 401, body: { code: "management_token_invalid" } });
    }
  });
});

describe.each(OWNED)("$method $path", ({ method, path, call }) => {
  it("[G6] is 404 not_found for objects of another account, and changes nothing", async () => {
    const before = await snapshot();
    expect(await eve.call(method, fill(path, adas), call)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await snapshot()).toBe(before);
  });

  it("[G6] is the same 404 for unknown and for malformed ids", async () => {
    const id = (value: string) => Object.fromEntries(Object.keys(adas).map((name) => [name, value]));
    const others = await eve.call(method, fill(path, adas), call);
    for (const value of [NOBODY, "7", "%00", "a".repeat(300), NOBODY.toUpperCase().replace("A", "G")]) {
      const answer = await eve.call(method, fill(path, id(value)), call);
      expect(answer.status).toBe(404);
      expect({ ...answer.body, requestId: "" }).toEqual({ ...others.body, requestId: "" });
    }
  });
});

describe("bodies", () => {
  const withBodies = REQUESTS.filter(({ call, path }) => call?.body !== undefined && !/\/(?:records|import)$|\/records\/0/.test(path));

  it.each(withBodies)("[G6] $method $path reports unknown fields and writes nothing", async ({ method, path, call }) => {
    const before = await snapshot();
    const body = { ...Object(call?.body), ownerId: NOBODY, nmae: 1 };
    const answer = await ada.call(method, fill(path, adas), { body });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { ownerId: expect.any(String), nmae: expect.any(String) } },
    });
    expect(await snapshot()).toBe(before);
  });

  it.each(withBodies)("[G6] $method $path rejects bodies that are not JSON objects", async ({ method, path }) => {
    const url = fill(path, adas);
    const json = "application/json";
    const bytes = (text: string) => ({ raw: { contentType: json, bytes: text } });
    expect(await ada.call(method, url, bytes("[]"))).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { body: "Send a JSON object." } },
    });
    expect(await ada.call(method, url, bytes("{"))).toMatchObject({ status: 400, body: { code: "body_invalid" } });
    expect(await ada.call(method, url)).toMatchObject({ status: 400, body: { code: "content_type_unsupported" } });
    expect(await ada.call(method, url, bytes(""))).toMatchObject({ status: 400, body: { code: "body_empty" } });
    expect(await ada.call(method, url, { raw: { contentType: "text/plain", bytes: "{}" } })).toMatchObject({
      status: 400,
      body: { code: "content_type_unsupported" },
    });
    expect(
      await ada.call(method, url, { raw: { contentType: json, bytes: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]) } }),
    ).toMatchObject({
      status: 400,
      body: { code: "body_invalid" },
    });
    expect(await ada.call(method, url, bytes("[".repeat(10_000)))).toMatchObject({ status: 400, body: { code: "body_invalid" } });
    const length = path.includes("endpoint") ? BODY_BYTES.schema : BODY_BYTES.form;
    expect(await ada.call(method, url, bytes(`{"name":"${"x".repeat(length)}"}`))).toMatchObject({
      status: 413,
      body: { code: "body_too_large" },
    });
  });

  it("[G6] an incomplete body is a bad request, not a failure", async () => {
    const stream = new ReadableStream({
      pull: (controller) => controller.error(new Error("gone")),
    });
    const answer = await ada.call("POST", "/api/manage/projects", { raw: { contentType: "application/json", bytes: stream } });
    expect(answer).toMatchObject({ status: 400, body: { code: "request_invalid" } });
  });

  it("a body without a length is cut off at the limit", async () => {
    let sent = 0;
    const stream = new ReadableStream({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(new Uint8Array(16 * 1024).fill(0x20));
      },
    });
    const answer = await ada.call("POST", "/api/manage/projects", { raw: { contentType: "application/json", bytes: stream } });
    expect(answer).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    expect(sent).toBeLessThan(10);
  });
});

describe("paths and methods", () => {
  it.each(MANAGE_PATHS)("%s responds with 405 and Allow to other methods", async (path) => {
    const url = fill(path.replaceAll("{id}", NOBODY).replace("{uniqueId}", NO_RECORD), {});
    const options = await server.call("OPTIONS", url);
    const allow = options.headers.get("allow") ?? "";
    expect(options.status).toBe(204);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((each) => !allow.split(", ").includes(each))) {
      const answer = await ada.call(method, url);
      expect(answer).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
      expect(answer.headers.get("allow")).toBe(allow);
    }
  });

  it.each(["/api", "/api/manage", "/api/manage/nothing", "/api/manage/projects/a/b/c", "/api/auth", "/api/2/ce/x"])(
    "[E1] %s is 404 as a problem document",
    async (path) => {
      for (const method of ["GET", "POST", "DELETE"]) {
        expect(await ada.call(method, path)).toMatchObject({
          status: 404,
          body: { code: "not_found", type: "urn:rested:error:not_found" },
        });
      }
    },
  );
});

describe("a management token", () => {
  it("[G1] needs no origin, and its use is recorded at most once a minute", async () => {
    const zoe = await server.createPerson("Zoe");
    const used = async () => {
      const answer = await zoe.call("GET", "/api/manage/account/tokens", { headers: { origin: "https://elsewhere.example" } });
      expect(answer.status).toBe(200);
      const row = await server.runtime.db.managementToken.findFirstOrThrow({ where: { userId: zoe.id } });
      return row.lastUsedAt?.toISOString();
    };
    const first = await used();
    server.advance(30_000);
    expect(await used()).toBe(first);
    server.advance(31_000);
    expect(await used()).not.toBe(first);
  });

  it("[G1] ends at its expiry", async () => {
    const kim = await server.createPerson("Kim");
    const expiresAt = new Date(server.runtime.clock.now().getTime() + 10_000).toISOString();
    const made = await kim.call("POST", "/api/manage/account/tokens", { body: { name: "short", expiresAt } });
    const headers = { authorization: `bearer ${made.body.token}` };
    expect((await server.call("GET", "/api/manage/account", { headers })).status).toBe(200);
    server.advance(10_000);
    expect(await server.call("GET", "/api/manage/account", { headers })).toMatchObject({
      status: 401,
      body: { code: "management_token_invalid" },
    });
  });
});

describe("failures", () => {
  it("[E2] an unexpected error is 500 without its cause, which is logged with the request id", async () => {
    const { runtime } = server;
    const failing = { ...runtime.db, project: { findMany: () => Promise.reject(new Error("password=hunter2")) } };
    const original = runtime.db;
    Object.assign(runtime, { db: Object.setPrototypeOf(failing, original) });
    try {
      const answer = await ada.call("GET", "/api/manage/projects");
      expect(answer).toMatchObject({ status: 500, body: { code: "internal_error" } });
      expect(answer.text).not.toContain("hunter2");
      expect(server.logged.at(-1)).toMatchObject({ context: { requestId: answer.body.requestId, err: { message: "password=hunter2" } } });
    } finally {
      Object.assign(runtime, { db: original });
    }
  });

  it("[G1] a request from the dashboard's origin without a cookie is not signed in", async () => {
    expect(await server.call("GET", "/api/manage/projects", { headers: { origin: ORIGIN } })).toMatchObject({ status: 401 });
  });
});
