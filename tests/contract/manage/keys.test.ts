/** Tests publishable keys (G3, U7). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let project: { id: string; keys: { id: string; key: string; name: string }[] };
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
  await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body: { name: "readings" } });
});

const keysPath = () => `/api/manage/projects/${project.id}/keys`;
const create = async (body: object) => (await ada.call("POST", keysPath(), { body })).body;
const later = (ms: number) => new Date(server.runtime.clock.now().getTime() + ms);
const firstKey = () => {
  const [key] = project.keys;
  if (!key) throw new Error("a project has a first key");
  return key;
};

describe("keys", () => {
  it("[G3] POST responds with 201 and a key of 32 hex digits that can read and write", async () => {
    const answer = await ada.call("POST", keysPath(), { body: { name: " Website " } });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        projectId: project.id,
        name: "Website",
        key: expect.stringMatching(/^[0-9a-f]{32}$/),
        scope: "read_write",
        expiresAt: null,
        lastUsedAt: null,
        revokedAt: null,
      },
    });
    expect(await server.runtime.definitions.find(answer.body.key, "readings")).toMatchObject({ key: { scope: "read_write" } });
  });

  it("[U7] POST accepts a scope and an expiry", async () => {
    const expiresAt = later(60_000).toISOString();
    expect(await create({ name: "Reader", scope: "read", expiresAt })).toMatchObject({ scope: "read", expiresAt });
    expect(await create({ name: "Writer", scope: "write", expiresAt: null })).toMatchObject({ scope: "write", expiresAt: null });
  });

  it("[U7] POST rejects an expiry in the past", async () => {
    const answer = await ada.call("POST", keysPath(), { body: { name: "Old", expiresAt: later(-1).toISOString() } });
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { expiresAt: "Use a time in the future." } } });
  });

  it("[G3] GET lists all of them, including revoked ones, oldest first", async () => {
    const second = await create({ name: "Second" });
    await ada.call("DELETE", `/api/manage/keys/${firstKey().id}`);
    const answer = await ada.call("GET", keysPath());
    expect(answer.body.map((key: { id: string }) => key.id)).toEqual([firstKey().id, second.id]);
    expect(answer.body[0].revokedAt).toEqual(expect.any(String));
  });
});

describe("revocation", () => {
  it("[G3][U7] takes effect immediately, is permanent, and keeps its time if repeated", async () => {
    expect(await server.runtime.definitions.find(firstKey().key, "readings")).toMatchObject({ key: { revokedAt: null } });
    const answer = await ada.call("DELETE", `/api/manage/keys/${firstKey().id}`);
    expect(answer).toMatchObject({ status: 200, body: { id: firstKey().id, revokedAt: expect.any(String) } });
    expect(await server.runtime.definitions.find(firstKey().key, "readings")).toMatchObject({ key: { revokedAt: expect.any(Date) } });
    server.advance(1000);
    expect((await ada.call("DELETE", `/api/manage/keys/${firstKey().id}`)).body).toEqual(answer.body);
  });
});

describe("rotation", () => {
  const rotate = (id: string, body: object) => ada.call("POST", `/api/manage/keys/${id}/rotate`, { body });

  it("[G3][G9][U7] returns a new key of the same name and scope, and keeps the old one valid for the grace period", async () => {
    const old = await create({ name: "Website", scope: "read" });
    const answer = await rotate(old.id, { graceSeconds: 900 });
    expect(answer).toMatchObject({ status: 201, body: { name: "Website", scope: "read", expiresAt: null, revokedAt: null } });
    expect(answer.body.key).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.body.key).not.toBe(old.key);
    expect(answer.body.previous).toMatchObject({ id: old.id, key: old.key, revokedAt: null });
    const left = new Date(answer.body.previous.expiresAt).getTime() - server.runtime.clock.now().getTime();
    expect(left).toBeGreaterThan(890_000);
    expect(left).toBeLessThanOrEqual(900_000);
    expect(await server.runtime.definitions.find(old.key, "readings")).toMatchObject({
      key: { expiresAt: new Date(answer.body.previous.expiresAt) },
    });
  });

  it("[G3][U7] without a grace period revokes the old one immediately", async () => {
    const answer = await rotate(firstKey().id, { graceSeconds: 0 });
    expect(answer.body.previous).toMatchObject({ revokedAt: expect.any(String), expiresAt: null });
  });

  it("[U7] never extends the lifetime of a key", async () => {
    const expiresAt = later(5000).toISOString();
    const old = await create({ name: "Short", expiresAt });
    expect((await rotate(old.id, { graceSeconds: 3600 })).body.previous.expiresAt).toBe(expiresAt);
  });

  it("[U7] sets the expiry of the new key if one is sent", async () => {
    const expiresAt = later(86_400_000).toISOString();
    expect((await rotate(firstKey().id, { graceSeconds: 0, expiresAt })).body.expiresAt).toBe(expiresAt);
  });

  it("[G3] of a revoked or expired key is refused, and creates none", async () => {
    await ada.call("DELETE", `/api/manage/keys/${firstKey().id}`);
    expect(await rotate(firstKey().id, { graceSeconds: 0 })).toMatchObject({ status: 409, body: { code: "key_already_revoked" } });
    const short = await create({ name: "Short", expiresAt: later(1000).toISOString() });
    server.advance(1000);
    expect(await rotate(short.id, { graceSeconds: 60 })).toMatchObject({ status: 409, body: { code: "key_already_revoked" } });
    expect((await ada.call("GET", keysPath())).body).toHaveLength(2);
  });

  it("[G3] links the keys, in every response that shows them", async () => {
    const old = await create({ name: "Website" });
    expect(old).toMatchObject({ replacesId: null, replacedById: null });
    const first = (await rotate(old.id, { graceSeconds: 900 })).body;
    expect(first).toMatchObject({ replacesId: old.id, replacedById: null, previous: { replacesId: null, replacedById: first.id } });
    // Rotated again during its grace period.
    const second = (await rotate(old.id, { graceSeconds: 60 })).body;
    const listed = (await ada.call("GET", keysPath())).body;
    const links = new Map(listed.map((key: { id: string }) => [key.id, key]));
    expect(links.get(old.id)).toMatchObject({ replacesId: null, replacedById: second.id });
    expect(links.get(first.id)).toMatchObject({ replacesId: old.id, replacedById: null });
    expect((await ada.call("DELETE", `/api/manage/keys/${old.id}`)).body).toMatchObject({ replacedById: second.id });
  });

  it("[G3] without a grace period, two concurrent rotations create one key", async () => {
    const answers = await Promise.all([rotate(firstKey().id, { graceSeconds: 0 }), rotate(firstKey().id, { graceSeconds: 0 })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await ada.call("GET", keysPath())).body).toHaveLength(2);
  });
});
