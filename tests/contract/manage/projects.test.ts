/** Tests projects, master keys and "What are you storing?" (G2). */
import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let count = 0;
/** The projects whose definitions were invalidated since the test began. */
let invalidated: string[];
let stopListening: () => void;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  invalidated = [];
  stopListening = server.runtime.definitions.onInvalidate((projectId) => invalidated.push(projectId));
});
afterEach(() => stopListening());

const create = async (body: object = { name: "Weather" }) => (await ada.call("POST", "/api/manage/projects", { body })).body;

describe("projects", () => {
  it("[G2] POST responds with 201 and the project with its first key", async () => {
    const answer = await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Weather",
      allowedOrigins: [],
      allowNullOrigin: false,
      disallowNoOrigin: false,
      rateLimit: null,
      hasMasterKey: false,
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      counts: { endpoints: 0, keys: 1 },
      keys: [
        {
          id: expect.any(String),
          projectId: answer.body.id,
          name: "First key",
          key: expect.stringMatching(/^[0-9a-f]{32}$/),
          scope: "read_write",
          expiresAt: null,
          lastUsedAt: null,
          revokedAt: null,
          createdAt: expect.any(String),
          replacesId: null,
          replacedById: null,
        },
      ],
    });
  });

  it("[G2][U4] POST accepts origins, which are normalized, and the no-origin switch", async () => {
    const project = await create({
      name: "Weather",
      allowedOrigins: ["HTTPS://App.Example.com/", "https://app.example.com"],
      disallowNoOrigin: true,
    });
    expect(project).toMatchObject({ allowedOrigins: ["https://app.example.com"], disallowNoOrigin: true });
  });

  it("[G2][U4] accepts origins of apps, and the switch for null; null in the list is rejected with the fix", async () => {
    const allowedOrigins = ["Capacitor://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"];
    const project = await create({ name: "Weather", allowedOrigins, allowNullOrigin: true });
    expect(project).toMatchObject({ allowedOrigins: ["capacitor://localhost", allowedOrigins[1]], allowNullOrigin: true });
    const path = `/api/manage/projects/${project.id}`;
    expect((await ada.call("PATCH", path, { body: { allowNullOrigin: false } })).body.allowNullOrigin).toBe(false);
    const refused = await ada.call("PATCH", path, { body: { allowedOrigins: ["https://a.com", "null"] } });
    expect(refused.body).toMatchObject({
      code: "fields_invalid",
      fields: { "allowedOrigins.1": expect.stringContaining("allowNullOrigin") },
    });
  });

  it("[U2] POST reports an invalid name by its field", async () => {
    const answer = await ada.call("POST", "/api/manage/projects", { body: { name: "abc!" } });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { name: "Use only letters, digits, spaces, “-” and “_”. For example: abc" } },
    });
    expect(answer.body.detail).toContain("name: Use only letters");
    expect((await ada.call("GET", "/api/manage/projects")).body).toEqual([]);
  });

  it("[G2] GET lists the caller's own, oldest first, and reads one", async () => {
    expect((await ada.call("GET", "/api/manage/projects")).body).toEqual([]);
    const { keys: _first, ...first } = await create({ name: "Weather" });
    const { keys: _second, ...second } = await create({ name: "Traffic" });
    expect((await ada.call("GET", "/api/manage/projects")).body).toEqual([first, second]);
    expect((await ada.call("GET", `/api/manage/projects/${second.id}`)).body).toEqual(second);
  });

  it("[G2] counts valid keys, and endpoints", async () => {
    const project = await create();
    await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body: { name: "readings" } });
    await ada.call("POST", `/api/manage/projects/${project.id}/keys`, { body: { name: "second" } });
    await ada.call("DELETE", `/api/manage/keys/${project.keys[0].id}`);
    expect((await ada.call("GET", `/api/manage/projects/${project.id}`)).body.counts).toEqual({ endpoints: 1, keys: 1 });
  });

  it("[G2] PATCH changes only the sent fields, and invalidates the cache", async () => {
    const project = await create({ name: "Weather", allowedOrigins: ["https://a.com"] });
    const renamed = await ada.call("PATCH", `/api/manage/projects/${project.id}`, { body: { name: "Climate" } });
    expect(renamed).toMatchObject({ status: 200, body: { name: "Climate", allowedOrigins: ["https://a.com"], disallowNoOrigin: false } });
    const opened = await ada.call("PATCH", `/api/manage/projects/${project.id}`, { body: { allowedOrigins: [], disallowNoOrigin: true } });
    expect(opened.body).toMatchObject({ name: "Climate", allowedOrigins: [], disallowNoOrigin: true });
    expect(invalidated).toEqual([project.id, project.id]);
  });

  it("[U8][G2] POST and PATCH accept a limit of requests per minute, and null for the server's", async () => {
    const project = await create({ name: "Weather", rateLimit: 600 });
    expect(project.rateLimit).toBe(600);
    const url = `/api/manage/projects/${project.id}`;
    expect((await ada.call("PATCH", url, { body: { rateLimit: 1_000_000 } })).body.rateLimit).toBe(1_000_000);
    expect((await ada.call("PATCH", url, { body: { name: "Climate" } })).body.rateLimit).toBe(1_000_000);
    expect((await ada.call("PATCH", url, { body: { rateLimit: null } })).body.rateLimit).toBeNull();
    expect((await ada.call("GET", url)).body.rateLimit).toBeNull();
    expect(invalidated).toEqual([project.id, project.id, project.id]);
  });

  it.each([
    [0, "Use 1 or more."],
    [1_000_001, "Use 1000000 at most."],
    [1.5, "Use a whole number of requests a minute."],
    ["600", "Use a whole number of requests a minute."],
  ])("[U8][G6] reports a limit of %j by its field", async (rateLimit, message) => {
    const answer = await ada.call("POST", "/api/manage/projects", { body: { name: "Weather", rateLimit } });
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { rateLimit: message } } });
  });

  it("[G2] an empty PATCH changes nothing", async () => {
    const { keys: _, ...project } = await create();
    expect((await ada.call("PATCH", `/api/manage/projects/${project.id}`, { body: {} })).body).toEqual(project);
    expect(invalidated).toEqual([]);
  });

  it("[G2] DELETE removes it with everything in it, without notifications, and invalidates the cache", async () => {
    const { project, endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
    for (const value of [1, 2, 3]) await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/records`, { body: value });
    const hinted = server.notifications.length;
    expect(await ada.call("DELETE", `/api/manage/projects/${project.id}`)).toMatchObject({ status: 204, text: "" });
    expect(server.notifications.length).toBe(hinted);
    const { db } = server.runtime;
    await createEndpointPurge({ db }).run();
    expect(await db.record.count({ where: { endpointId: endpoint.id } })).toBe(0);
    expect(await db.change.count({ where: { endpointId: endpoint.id } })).toBe(0);
    expect(await db.apiKey.count({ where: { projectId: project.id } })).toBe(0);
    expect(invalidated).toEqual([project.id]);
    expect((await ada.call("DELETE", `/api/manage/projects/${project.id}`)).status).toBe(404);
  });
});

describe("the master key", () => {
  it("[U6] is returned once, stored as a hash, and replaced by the next", async () => {
    const project = await create();
    const path = `/api/manage/projects/${project.id}/master-key`;
    const first = await ada.call("POST", path);
    expect(first).toMatchObject({ status: 201, body: { masterKey: expect.stringMatching(/^mk_[A-Za-z0-9_-]{43}$/) } });
    expect(Object.keys(first.body)).toEqual(["masterKey"]);
    const second = await ada.call("POST", path);
    expect(second.body.masterKey).not.toBe(first.body.masterKey);

    const row = await server.runtime.db.project.findUniqueOrThrow({ where: { id: project.id } });
    expect(Buffer.from(row.masterKeyHash ?? [])).toEqual(createHash("sha256").update(second.body.masterKey).digest());
    const shown = await ada.call("GET", `/api/manage/projects/${project.id}`);
    expect(shown.body.hasMasterKey).toBe(true);
    expect(shown.text).not.toContain("mk_");
    expect(shown.text).not.toMatch(/hash/i);
    expect(invalidated).toEqual([project.id, project.id]);
  });

  it("[U6] DELETE removes it, and succeeds if there is none", async () => {
    const project = await create();
    await ada.call("POST", `/api/manage/projects/${project.id}/master-key`);
    for (let time = 0; time < 2; time += 1) {
      expect((await ada.call("DELETE", `/api/manage/projects/${project.id}/master-key`)).status).toBe(204);
    }
    expect((await ada.call("GET", `/api/manage/projects/${project.id}`)).body.hasMasterKey).toBe(false);
  });
});

describe("start", () => {
  it("creates a project, an endpoint and a key from one text", async () => {
    const answer = await ada.call("POST", "/api/manage/start", { body: { name: "Temperature readings" } });
    expect(answer.status).toBe(201);
    const { project, endpoint, key } = answer.body;
    expect(project).toMatchObject({ name: "Temperature readings", counts: { endpoints: 1, keys: 1 } });
    expect(endpoint).toMatchObject({ projectId: project.id, name: "temperature-readings", changeCount: 0, recordCount: 0, subscribers: 0 });
    expect(key).toMatchObject({ projectId: project.id, scope: "read_write", key: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(await server.runtime.definitions.find(key.key, endpoint.name)).toMatchObject({ endpoint: { id: endpoint.id } });
    expect((await ada.call("GET", `/api/manage/projects/${project.id}`)).body).toEqual(project);
  });

  it("can be sent twice with the same text", async () => {
    const one = await ada.call("POST", "/api/manage/start", { body: { name: "Orders" } });
    const two = await ada.call("POST", "/api/manage/start", { body: { name: "Orders" } });
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.project.id).not.toBe(two.body.project.id);
  });

  it("[U2] accepts names in every script, and short ones", async () => {
    const started = await ada.call("POST", "/api/manage/start", { body: { name: "温度" } });
    expect(started).toMatchObject({ status: 201, body: { project: { name: "温度" }, endpoint: { name: "data" } } });
    for (const name of ["x", "Что где", "می\u200cخواهم", "हिन्दी", "e\u0301t\u00e9", "𠮷".repeat(254)]) {
      const made = await ada.call("POST", "/api/manage/projects", { body: { name } });
      expect(made).toMatchObject({ status: 201, body: { name } });
      expect((await ada.call("POST", `/api/manage/projects/${made.body.id}/endpoints`, { body: { name: "x" } })).status).toBe(201);
    }
    for (const name of ["a\u200db", "a\u200bb", "🚲", "a\u202eb", "𠮷".repeat(255)])
      expect((await ada.call("POST", "/api/manage/projects", { body: { name } })).status).toBe(400);
  });

  it("reports problems by field", async () => {
    const answer = await ada.call("POST", "/api/manage/start", { body: { name: "!?" } });
    expect(answer).toMatchObject({ status: 400, body: { fields: { name: "Use at least one letter or digit." } } });
  });
});
