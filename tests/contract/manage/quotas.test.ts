/** Tests quotas and usage of projects (G20, G22): for every kind of write, and who may set them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import { sweepIdempotentRequests } from "@/src/db/records/idempotent-requests";
import type { QuotasPatch } from "@/src/shared/management/quotas";
import { type Answer, type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let admin: Person;
let ada: Person;
let projectId: string;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
  admin = await server.createPerson("Root");
  await server.runtime.db.user.update({ where: { id: admin.id }, data: { role: "admin" } });
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const started = await ada.call("POST", "/api/manage/start", { body: { name: "readings" } });
  projectId = started.body.project.id;
  endpointId = started.body.endpoint.id;
});

const post = (data: unknown, id = endpointId) => ada.call("POST", `/api/manage/endpoints/${id}/records`, { body: data });
const set = (body: QuotasPatch, by = admin) => by.call("PATCH", `/api/manage/projects/${projectId}/quotas`, { body });
const readUsage = async () => (await ada.call("GET", `/api/manage/projects/${projectId}/usage`)).body;

async function createEndpoint(fields: object): Promise<Answer> {
  return ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: fields });
}

function expectRefused(answer: Answer, quota: string): void {
  expect(answer).toMatchObject({ status: 403, body: { code: "quota_exceeded", retryable: false } });
  expect(answer.body.detail).toContain(`"${quota}"`);
}

describe("a quota", () => {
  it("[G20] of records applies to every kind of write, refuses without writing, and accepts writes after a DELETE", async () => {
    await set({ records: 3 });
    const made = await post({ a: 1 });
    await post({ a: 2 });
    const { records, db } = server.runtime;
    const write = () => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data: "1" });
    const refused = { code: "quota_exceeded" };
    await expect(records.commit(endpointId, [write(), write()])).rejects.toMatchObject(refused);
    const once = { hash: Buffer.from("a"), fingerprint: Buffer.from("b") };
    await expect(records.commitIdempotent(endpointId, once, [write(), write()], () => "")).rejects.toMatchObject(refused);
    const raw = { contentType: "application/x-ndjson", bytes: "1\n2\n" };
    expectRefused(await ada.call("POST", `/api/manage/endpoints/${endpointId}/import`, { raw }), "records");
    // The admitted bytes of an import count until the usage is read again.
    server.advance(1_001);
    expect((await post({ a: 3 })).status).toBe(201);
    expectRefused(await post({ a: 4 }), "records");
    const file = { contentType: "text/plain", bytes: "x" };
    expectRefused(await ada.call("POST", `/api/manage/endpoints/${endpointId}/files?name=a.txt`, { raw: file }), "records");
    expect(await db.record.count({ where: { endpointId } })).toBe(3);
    expect(await server.folder.list()).toEqual([]);

    const path = `/api/manage/endpoints/${endpointId}/records/${made.body.uniqueId}`;
    expect((await ada.call("PUT", path, { body: { a: 5 } })).status).toBe(200);
    expect((await ada.call("DELETE", path)).status).toBe(200);
    server.advance(1_001);
    expect((await post({ a: 6 })).status).toBe(201);
  });

  it("[G20] of record bytes counts the data of records, and refuses PUT and merge if none is left", async () => {
    const made = await post({ a: 1 });
    await set({ recordBytes: 20 });
    expectRefused(await post("x".repeat(20)), "recordBytes");
    expect((await post("x".repeat(11))).status).toBe(201);
    const path = `/api/manage/endpoints/${endpointId}/records/${made.body.uniqueId}`;
    expectRefused(await ada.call("PUT", path, { body: 1 }), "recordBytes");
    expectRefused(await ada.call("PUT", `${path}?strategy=merge`, { body: { b: 1 } }), "recordBytes");
    expect((await ada.call("DELETE", path)).status).toBe(200);
    expect(await readUsage()).toMatchObject({ records: { used: 1 }, recordBytes: { used: 13, limit: 20, own: 20 } });
  });

  it("[G20] of files counts their bytes, including those of files replaced by other data", async () => {
    await set({ fileBytes: 10 });
    const upload = (bytes: string) =>
      ada.call("POST", `/api/manage/endpoints/${endpointId}/files?name=a.txt`, { raw: { contentType: "text/plain", bytes } });
    const first = await upload("12345678");
    expect(first.status).toBe(201);
    expectRefused(await upload("123"), "fileBytes");
    const { files } = server.runtime;
    await set({ fileBytes: 8 });
    const hold = { add: () => undefined, remove: () => undefined };
    let taken = 0;
    const bytes = (async function* () {
      taken += 1;
      yield Buffer.from("x");
    })();
    const target = { endpointId, mayReplay: false };
    const full = files.beginUpload({ signal: new AbortController().signal, hold, target, caller: [ada.id, projectId, "test"] });
    await expect(full.add({ name: "a", type: undefined, bytes }), "before a byte is taken").rejects.toMatchObject({
      code: "quota_exceeded",
    });
    await full.discard();
    expect(taken).toBe(0);
    await set({ fileBytes: 10 });
    await server.runtime.files.sweep();
    expect(await server.folder.list()).toHaveLength(1);
    expect((await readUsage()).fileBytes).toEqual({ used: 8, limit: 10, own: 10 });
    await ada.call("PUT", `/api/manage/endpoints/${endpointId}/records/${first.body.uniqueId}`, { body: 1 });
    expect((await readUsage()).fileBytes.used).toBe(0);
    server.advance(1_001);
    const again = await upload("1234567890");
    expect(again.status).toBe(201);
    await ada.call("DELETE", `/api/manage/endpoints/${endpointId}/records/${again.body.uniqueId}`);
    expect(await readUsage()).toMatchObject({ fileBytes: { used: 0 }, records: { used: 1 } });
  });

  it("[G20] of users counts those of all authentication endpoints", async () => {
    await set({ users: 2 });
    const people = (await createEndpoint({ name: "people", kind: "authentication" })).body.id;
    const staff = (await createEndpoint({ name: "staff", kind: "authentication" })).body.id;
    const register = (name: string, id: string) => post({ username: name, password: "correct horse" }, id);
    expect((await register("ann", people)).status).toBe(201);
    expect((await register("bob", staff)).status).toBe(201);
    expectRefused(await register("cyd", people), "users");
    expect(await readUsage()).toMatchObject({ users: { used: 2 }, records: { used: 2 } });
  });

  it("[G20] of responses counts those stored for Idempotency-Keys, until they are swept", async () => {
    await set({ answerBytes: 300 });
    const { records, db } = server.runtime;
    const send = (key: string, data: string) =>
      records.commitIdempotent(
        endpointId,
        { hash: Buffer.from(key), fingerprint: Buffer.from("b") },
        [{ type: "POST", id: createUniqueId(), contentType: "json", data }],
        () => data,
      );
    const data = JSON.stringify("x".repeat(98));
    expect(await send("a", data)).toMatchObject({ outcome: "written" });
    await expect(send("b", data)).rejects.toMatchObject({ code: "quota_exceeded" });
    expect((await readUsage()).answerBytes.used).toBe(100);
    await db.idempotentRequest.updateMany({ where: { endpointId }, data: { createdAt: new Date(Date.now() - 25 * 3_600_000) } });
    expect((await readUsage()).answerBytes.used).toBe(100);
    await sweepIdempotentRequests({ db, queue: server.runtime.endpointQueue });
    expect((await readUsage()).answerBytes.used).toBe(0);
  });

  it("[G20] of endpoints and of projects is exact, even for concurrent creations", async () => {
    await set({ endpoints: 3 });
    const made = await Promise.all(["aaaaa", "bbbbb", "ccccc", "ddddd"].map((name) => createEndpoint({ name })));
    expect(made.map(({ status }) => status).sort()).toEqual([201, 201, 403, 403]);
    for (const answer of made) if (answer.status === 403) expectRefused(answer, "endpoints");
    const created = made.find(({ status }) => status === 201);
    await ada.call("DELETE", `/api/manage/endpoints/${created?.body.id}`);
    expect((await createEndpoint({ name: "eeeee" })).status).toBe(201);

    const { config } = server.runtime;
    server.runtime.config = { ...config, quotas: { ...config.quotas, projects: 3 } };
    try {
      const names = ["Alpha", "Bravo", "Charlie", "Delta"];
      const projects = await Promise.all(names.map((name) => ada.call("POST", "/api/manage/projects", { body: { name } })));
      expect(projects.map(({ status }) => status).sort()).toEqual([201, 201, 403, 403]);
      for (const answer of projects) if (answer.status === 403) expectRefused(answer, "projects");
      expectRefused(await ada.call("POST", "/api/manage/start", { body: { name: "more" } }), "projects");
    } finally {
      server.runtime.config = config;
    }
  });
});

describe("usage and quotas", () => {
  it("[G22] can be read by the owner and administrators, and set by administrators", async () => {
    const eve = await server.createPerson(`Eve${count}`);
    const path = `/api/manage/projects/${projectId}`;
    expect((await eve.call("GET", `${path}/usage`)).status).toBe(404);
    expect((await set({ records: 1 }, eve)).status).toBe(404);
    expect(await set({ records: 1 }, ada)).toMatchObject({ status: 403, body: { code: "admin_required" } });
    expect((await readUsage()).records).toEqual({ used: 0, limit: 10_000_000, own: null });
    expect((await set({ records: 0, users: 5 })).body).toMatchObject({
      records: { used: 0, limit: null, own: 0 },
      users: { limit: 5, own: 5 },
    });
    expect((await set({ records: null })).body).toMatchObject({ records: { limit: 10_000_000, own: null }, users: { limit: 5, own: 5 } });
    expect((await admin.call("GET", `${path}/usage`)).body).toEqual(await readUsage());
  });

  it.each([
    [{ records: -1 }, "records"],
    [{ records: 1.5 }, "records"],
    [{ fileBytes: "1" }, "fileBytes"],
    [{ files: 1 }, "files"],
  ])("[G22] %j is reported by its field", async (body, field) => {
    const answer = await admin.call("PATCH", `/api/manage/projects/${projectId}/quotas`, { body });
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { [field]: expect.any(String) } } });
  });
});
