/** Tests endpoints (G4). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let project: { id: string };
let count = 0;
let invalidated: string[];
let stopListening: () => void;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
  invalidated = [];
  stopListening = server.runtime.definitions.onInvalidate((projectId) => invalidated.push(projectId));
});
afterEach(() => stopListening());

const path = () => `/api/manage/projects/${project.id}/endpoints`;
const create = async (body: object) => (await ada.call("POST", path(), { body })).body;

describe("endpoints", () => {
  it("[G4] POST responds with 201 and the endpoint", async () => {
    const answer = await ada.call("POST", path(), { body: { name: "sensors/rooftop-1" } });
    expect(answer).toMatchObject({ status: 201 });
    expect(answer.body).toEqual({
      id: expect.any(String),
      projectId: project.id,
      name: "sensors/rooftop-1",
      description: "",
      kind: "data",
      secure: false,
      othersCanRead: false,
      othersCanUpdate: false,
      othersCanDelete: false,
      fileCacheSeconds: 0,
      schema: null,
      accessFunction: null,
      rules: null,
      defaultRules: { read: "true", create: "true", update: "true", delete: "true" },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      changeCount: 0,
      lastChangeAt: null,
      subscribers: 0,
      recordCount: 0,
    });
    expect((await ada.call("GET", `/api/manage/endpoints/${answer.body.id}`)).body).toEqual(answer.body);
  });

  it("[G4] POST stores every switch", async () => {
    const switches = { secure: true, othersCanRead: true, othersCanUpdate: true, othersCanDelete: true };
    const made = await create({ name: "readings", description: "Of the\nroof.", kind: "data", schema: null, ...switches });
    expect(made).toMatchObject({ description: "Of the\nroof.", ...switches });
    expect((await ada.call("GET", path())).body).toMatchObject([switches]);
  });

  it.each([
    ["", "Use 1 to 254 characters."],
    ["My Sensors!", "Use only lowercase letters, digits, “-” and “/”. For example: my-sensors"],
    ["温度", "Use only lowercase letters, digits, “-” and “/”."],
    ["-abcd", "Start and end with a letter or digit. For example: abcd"],
    ["ab--cd", "Do not use two “-” in a row. For example: ab-cd"],
    ["ab//cd", "Do not use two “/” in a row. For example: ab/cd"],
    ["a".repeat(255), "Use 1 to 254 characters."],
  ])("[U2] POST reports the name %j as an invalid field", async (name, message) => {
    expect(await ada.call("POST", path(), { body: { name } })).toMatchObject({
      status: 400,
      body: { code: "fields_invalid", fields: { name: message } },
    });
  });

  it("[U2] a name is unique within its project only; of two concurrent requests one gets it", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => ada.call("POST", path(), { body: { name: "readings" } })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: "name_taken", fields: { name: expect.any(String) } });
    const other = await ada.call("POST", "/api/manage/projects", { body: { name: "Traffic" } });
    expect((await ada.call("POST", `/api/manage/projects/${other.body.id}/endpoints`, { body: { name: "readings" } })).status).toBe(201);
  });

  it("[G4] GET lists them by name", async () => {
    for (const name of ["zebras", "apples", "middle"]) await create({ name });
    expect((await ada.call("GET", path())).body.map((endpoint: { name: string }) => endpoint.name)).toEqual(["apples", "middle", "zebras"]);
  });

  it("[G4] returns its activity", async () => {
    const { id } = await create({ name: "readings" });
    for (const value of [1, 2]) await ada.call("POST", `/api/manage/endpoints/${id}/records`, { body: value });
    const { body } = await ada.call("GET", `/api/manage/endpoints/${id}`);
    expect(body).toMatchObject({ changeCount: 2, recordCount: 2, lastChangeAt: expect.any(String) });
    expect((await ada.call("GET", path())).body).toMatchObject([{ changeCount: 2, recordCount: 2, lastChangeAt: body.lastChangeAt }]);
  });

  it("[G4] PATCH changes only the sent fields, and invalidates the cache", async () => {
    const { id } = await create({ name: "readings", description: "Old", othersCanRead: true });
    const answer = await ada.call("PATCH", `/api/manage/endpoints/${id}`, { body: { name: "measures", secure: true } });
    expect(answer).toMatchObject({ status: 200, body: { name: "measures", description: "Old", secure: true, othersCanRead: true } });
    expect(invalidated).toEqual([project.id]);
    expect((await ada.call("PATCH", `/api/manage/endpoints/${id}`, { body: { schema: null } })).body).toMatchObject({ name: "measures" });
  });

  it("[G4] [F2] the caching time of files is a number of seconds, up to a year", async () => {
    const { id } = await create({ name: "photos", fileCacheSeconds: 3600 });
    const patch = (fileCacheSeconds: unknown) => ada.call("PATCH", `/api/manage/endpoints/${id}`, { body: { fileCacheSeconds } });
    expect((await patch(31_536_000)).body).toMatchObject({ name: "photos", fileCacheSeconds: 31_536_000 });
    for (const value of [-1, 1.5, 31_536_001, "60", null])
      expect(await patch(value)).toMatchObject({
        status: 400,
        body: { code: "fields_invalid", fields: { fileCacheSeconds: expect.any(String) } },
      });
    expect((await patch(0)).body).toMatchObject({ fileCacheSeconds: 0 });
  });

  it("[U2] PATCH rejects the name of another endpoint", async () => {
    await create({ name: "readings" });
    const { id } = await create({ name: "measures" });
    const answer = await ada.call("PATCH", `/api/manage/endpoints/${id}`, { body: { name: "readings" } });
    expect(answer).toMatchObject({ status: 409, body: { code: "name_taken", fields: { name: expect.any(String) } } });
    expect(invalidated).toEqual([]);
  });

  it("[G4] DELETE removes records, log and tickets without a message for each record, and invalidates the cache", async () => {
    const { id } = await create({ name: "readings" });
    await server.runtime.db.$executeRaw`
      INSERT INTO "Record" ("id", "endpointId", "data") SELECT gen_random_uuid(), ${id}::uuid, '1' FROM generate_series(1, 2000)`;
    await ada.call("POST", `/api/manage/endpoints/${id}/stream-ticket`);
    const hinted = server.notifications.length;
    expect((await ada.call("DELETE", `/api/manage/endpoints/${id}`)).status).toBe(204);
    const { db } = server.runtime;
    await createEndpointPurge({ db }).run();
    expect(await db.record.count({ where: { endpointId: id } })).toBe(0);
    expect(await db.change.count({ where: { endpointId: id } })).toBe(0);
    expect(await db.streamTicket.count({ where: { endpointId: id } })).toBe(0);
    expect(server.notifications.length).toBe(hinted);
    expect(invalidated).toEqual([project.id]);
    expect((await ada.call("GET", `/api/manage/endpoints/${id}`)).status).toBe(404);
  });

  it("[W4] a write during a deletion is still logged: logging is off only in its transaction", async () => {
    const doomed = await create({ name: "doomed" });
    const kept = await create({ name: "kept-one" });
    await ada.call("DELETE", `/api/manage/endpoints/${doomed.id}`);
    // With the triggers, over all connections of the pool.
    await Promise.all([1, 2, 3, 4, 5].map((data) => server.runtime.db.record.create({ data: { endpointId: kept.id, data } })));
    expect(await server.runtime.db.change.count({ where: { endpointId: kept.id } })).toBe(5);
  });
});

describe("a stream ticket", () => {
  it("[G4] opens the endpoint once, within 30 seconds, and is stored as a hash", async () => {
    const { id } = await create({ name: "readings" });
    const answer = await ada.call("POST", `/api/manage/endpoints/${id}/stream-ticket`);
    expect(answer.status).toBe(201);
    const { ticket, path: streamPath, expiresAt } = answer.body;
    expect(ticket).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(streamPath).toBe(`/api/1/ce/readings?ticket=${ticket}`);
    const left = new Date(expiresAt).getTime() - server.runtime.clock.now().getTime();
    expect(left).toBeGreaterThan(20_000);
    expect(left).toBeLessThanOrEqual(30_000);
    const [row] = await server.runtime.db.streamTicket.findMany({ where: { endpointId: id } });
    expect(Buffer.from(row?.hash ?? []).toString("base64url")).not.toContain(ticket);

    expect(await server.runtime.definitions.redeemTicket(ticket)).toMatchObject({ key: null, endpoint: { id } });
    expect(await server.runtime.definitions.redeemTicket(ticket)).toBeUndefined();
  });

  it("[G4] is invalid after it expires, and is deleted with the next one", async () => {
    const { id } = await create({ name: "readings" });
    const late = (await ada.call("POST", `/api/manage/endpoints/${id}/stream-ticket`)).body.ticket;
    server.advance(30_001);
    expect(await server.runtime.definitions.redeemTicket(late)).toBeUndefined();
    await ada.call("POST", `/api/manage/endpoints/${id}/stream-ticket`);
    expect(await server.runtime.db.streamTicket.count({ where: { endpointId: id } })).toBe(1);
  });
});
