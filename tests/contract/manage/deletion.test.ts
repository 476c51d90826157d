/** Tests the deletion of endpoints, projects and accounts (G18): immediately visible to everybody, with the rows deleted in batches afterwards. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { until } from "@/tests/support/until";
import { type ManageServer, type Person, startManageServer } from "../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let project: { id: string; keys: { key: string }[] };
let other: pg.Client;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  project = (await ada.call("POST", "/api/manage/projects", { body: { name: "Weather" } })).body;
  // Another connection, which holds locks.
  other = new pg.Client({ connectionString: server.databaseUrl });
  await other.connect();
});
afterEach(() => other.end());

const post = (data = "1"): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data });

async function createEndpoint(name: string, fields: object = {}): Promise<string> {
  const answer = await ada.call("POST", `/api/manage/projects/${project.id}/endpoints`, { body: { name, ...fields } });
  expect(answer).toMatchObject({ status: 201 });
  return answer.body.id;
}

async function remove(path: string): Promise<void> {
  expect(await ada.call("DELETE", `/api/manage/${path}`)).toMatchObject({ status: 204 });
}

const purge = () => createEndpointPurge({ db: server.runtime.db }).run();

/** The rows of an endpoint in every table. */
async function countRows(endpointId: string): Promise<Record<string, number>> {
  const { db } = server.runtime;
  const where = { endpointId };
  return {
    endpoints: await db.endpoint.count({ where: { id: endpointId } }),
    records: await db.record.count({ where }),
    changes: await db.change.count({ where }),
    users: await db.appUser.count({ where }),
    answers: await db.idempotentRequest.count({ where }),
    tickets: await db.streamTicket.count({ where }),
  };
}

/** The result of `call` if the deletion by SQL is committed while it runs. */
async function answerBeside(deletion: string, call: () => Promise<unknown>): Promise<unknown> {
  await other.query("BEGIN");
  await other.query(deletion);
  const answer = call();
  await until("the request to wait for the deletion", async () => {
    const [row] = await server.runtime.db.$queryRaw<{ waits: boolean }[]>`
      SELECT count(*) > 0 AS waits FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    return row?.waits;
  });
  await other.query("COMMIT");
  return answer;
}

const NOTHING = { endpoints: 0, records: 0, changes: 0, users: 0, answers: 0, tickets: 0 };

async function fill(endpointId: string, records: number): Promise<void> {
  // The log too, as fast as a batch does.
  await other.query("BEGIN");
  await other.query("SELECT set_config('rested.logged_by_commit', 'on', true)");
  await other.query(
    `INSERT INTO "Record" ("id", "endpointId", "seq", "data") SELECT gen_random_uuid(), $1, n, '{"a":1}' FROM generate_series(1, $2::int) n`,
    [endpointId, records],
  );
  await other.query(
    `INSERT INTO "Change" ("endpointId", "seq", "type", "recordId", "data", "version", "recordCreatedAt", "recordUpdatedAt")
    SELECT "endpointId", "seq", 'POST', "id", "data", 1, now(), now() FROM "Record" WHERE "endpointId" = $1`,
    [endpointId],
  );
  await other.query(`UPDATE "Endpoint" SET "seq" = $2 WHERE "id" = $1`, [endpointId, records]);
  await other.query("COMMIT");
}

describe("a deleted endpoint", () => {
  it("[G18] disappears immediately, even while its records are locked; its name is free, and its rows are deleted later", async () => {
    const id = await createEndpoint("readings");
    await fill(id, 3);
    await other.query("BEGIN");
    await other.query(`SELECT 1 FROM "Record" WHERE "endpointId" = $1 FOR UPDATE`, [id]);
    await remove(`endpoints/${id}`);
    expect((await ada.call("GET", `/api/manage/endpoints/${id}`)).status).toBe(404);
    expect((await ada.call("DELETE", `/api/manage/endpoints/${id}`)).status).toBe(404);
    const again = await createEndpoint("readings");
    expect(await server.runtime.records.commit(again, [post()])).toMatchObject([{ outcome: "ok", change: { seq: 1 } }]);
    // Locked rows stay, and the run ends without waiting.
    await purge();
    expect(await countRows(id)).toMatchObject({ endpoints: 1, records: 3, changes: 0 });
    await other.query("ROLLBACK");
    await purge();
    expect(await countRows(id)).toEqual(NOTHING);
    expect(await countRows(again)).toMatchObject({ endpoints: 1, records: 1, changes: 1 });
  });

  it("[G18] [W4] accepts no write, in any way", async () => {
    const id = await createEndpoint("readings");
    const { db, records } = server.runtime;
    const [created] = await records.commit(id, [post("{}")]);
    const recordId = created?.outcome === "ok" ? created.change.record.id : "";
    await remove(`endpoints/${id}`);
    const ended = [{ outcome: "endpoint_not_found" }];
    expect(await records.commit(id, [post()])).toEqual(ended);
    expect(await records.commit(id, [{ type: "DELETE", id: recordId }])).toEqual(ended);
    expect([await records.merge(id, recordId, () => "{}")]).toEqual(ended);
    const once = { hash: Buffer.from("a"), fingerprint: Buffer.from("b") };
    expect(
      await records.commitIdempotent(id, once, [{ type: "POST", id: createUniqueId(), contentType: "json", data: "1" }], () => ""),
    ).toEqual({
      outcome: "written",
      results: ended,
    });
    const ways: Record<string, () => PromiseLike<unknown>> = {
      create: () => db.record.create({ data: { endpointId: id, data: 1 } }),
      createMany: () => db.record.createMany({ data: [{ endpointId: id, data: 1 }] }),
      update: () => db.record.updateMany({ where: { endpointId: id }, data: { data: 2 } }),
      raw: () => db.$executeRaw`INSERT INTO "Record" ("id", "endpointId", "data") VALUES (gen_random_uuid(), ${id}::uuid, '1')`,
      attach: () => db.endpoint.update({ where: { id }, data: { projectId: project.id } }),
    };
    for (const [way, write] of Object.entries(ways)) await expect(Promise.resolve(write()), way).rejects.toThrow();
    expect(await countRows(id)).toMatchObject({ endpoints: 1, records: 1, changes: 1 });
  });

  it("[G18] [W4] waits for a running write, and deletes its record too", async () => {
    const id = await createEndpoint("readings");
    await other.query("BEGIN");
    await other.query(`INSERT INTO "Record" ("id", "endpointId", "data") VALUES (gen_random_uuid(), $1, '1')`, [id]);
    const deleted = remove(`endpoints/${id}`);
    await until("the deletion waits", async () => {
      const { rowCount } = await other.query(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rowCount === 1;
    });
    await other.query("COMMIT");
    await deleted;
    await purge();
    expect(await countRows(id)).toEqual(NOTHING);
  });

  it("[G18] [L3] ends the tokens of its users immediately, and once", async () => {
    const id = await createEndpoint("people", { kind: "authentication" });
    const { db, users, tokens } = server.runtime;
    const endpoint = { endpointId: id, projectId: project.id, schema: null };
    for (const name of ["ann", "bob", "cyd"]) {
      await ada.call("POST", `/api/manage/endpoints/${id}/records`, { body: { username: name, password: "correct horse" } });
    }
    const data = JSON.stringify({ username: "ann", password: "correct horse" });
    const login = async () =>
      (
        await users.login({
          endpoint,
          body: { contentType: "json", data },
          caller: [ada.id, project.id, "test"],
          address: null,
          userAgent: null,
        })
      ).token;
    const token = await login();
    expect(await tokens.find(token)).toMatchObject({ endpointId: id });
    const revision = async () => (await db.project.findUniqueOrThrow({ where: { id: project.id } })).tokenRevision;
    const before = await revision();
    await remove(`endpoints/${id}`);
    expect(await revision()).toBe(before + 1n);
    await tokens.checkRevisions();
    expect(await tokens.find(token)).toBeUndefined();
    await expect(login()).rejects.toMatchObject({ code: "login_failed" });
    await purge();
    expect([await countRows(id), await db.accessToken.count({ where: { projectId: project.id } })]).toEqual([NOTHING, 0]);
    expect(await revision()).toBe(before + 1n);
  });

  it("[G18] [F3] is deleted with its files", async () => {
    const id = await createEndpoint("pictures");
    for (const name of ["a.txt", "b.txt"]) {
      const raw = { contentType: "text/plain", bytes: name };
      expect((await ada.call("POST", `/api/manage/endpoints/${id}/files?name=${name}`, { raw })).status).toBe(201);
    }
    await remove(`endpoints/${id}`);
    await purge();
    await server.runtime.files.sweep();
    expect([await countRows(id), await server.folder.list(), await server.runtime.db.storedFile.count()]).toEqual([NOTHING, [], 0]);
  });
});

describe("the purge", () => {
  it("[G18] deletes 100,000 records during writes to other endpoints and under the same name; no write fails, nothing is logged", async () => {
    const id = await createEndpoint("readings");
    const beside = await createEndpoint("beside");
    await fill(id, 100_000);
    const { db, records } = server.runtime;
    let purged = false;
    const written: Record<string, number> = {};
    const write = async (endpointId: string, way: () => PromiseLike<unknown>) => {
      do {
        await way();
        written[endpointId] = (written[endpointId] ?? 0) + 1;
      } while (!purged);
    };
    const expectWritten = async (endpointId: string) => {
      const [result] = await records.commit(endpointId, [post()]);
      expect(result).toMatchObject({ outcome: "ok" });
    };
    const writers = [
      write(beside, () => expectWritten(beside)),
      write(beside, () => db.record.create({ data: { endpointId: beside, data: 1 } })),
    ];
    await remove(`endpoints/${id}`);
    const again = await createEndpoint("readings");
    writers.push(write(again, () => expectWritten(again)));
    const hinted = server.notifications.length;
    await purge();
    purged = true;
    await Promise.all(writers);
    expect(await countRows(id)).toEqual(NOTHING);
    for (const endpointId of [beside, again]) {
      const rows = written[endpointId];
      expect(await countRows(endpointId)).toMatchObject({ endpoints: 1, records: rows, changes: rows });
    }
    const notifications = server.notifications.slice(hinted);
    expect(
      notifications.filter(
        (notification) => notification.kind === "unknown" || (notification.kind === "endpoint" && notification.endpointId === id),
      ),
    ).toEqual([]);
  }, 180_000);

  it("[G18] continues where a stopped one ended, beside others", async () => {
    const ids = [await createEndpoint("readings"), await createEndpoint("measures")];
    for (const id of ids) {
      await fill(id, 2_000);
      await remove(`endpoints/${id}`);
    }
    const first = createEndpointPurge({ db: server.runtime.db });
    const running = first.run();
    await until("something is deleted", async () => ((await countRows(ids[0] ?? "")).records ?? 0) < 2_000);
    first.stop();
    await running;
    // Only one of them works at a time. Another one ends, and finds nothing when it runs again.
    await Promise.all([purge(), purge(), purge()]);
    await purge();
    for (const id of ids) expect(await countRows(id)).toEqual(NOTHING);
  });
});

describe("a deleted project", () => {
  it("[G18] disappears immediately with its keys, and its endpoints' rows are deleted later", async () => {
    const ids = [await createEndpoint("readings"), await createEndpoint("people", { kind: "authentication" })];
    await fill(ids[0] ?? "", 10);
    await ada.call("POST", `/api/manage/endpoints/${ids[1]}/records`, { body: { username: "ann", password: "correct horse" } });
    await other.query("BEGIN");
    await other.query(`SELECT 1 FROM "Record" WHERE "endpointId" = ANY ($1::uuid[]) FOR UPDATE`, [ids]);
    const { definitions, records, db } = server.runtime;
    const key = project.keys[0]?.key ?? "";
    expect(await definitions.find(key, "readings")).toBeDefined();
    await remove(`projects/${project.id}`);
    expect(await definitions.find(key, "readings")).toBeUndefined();
    expect(await definitions.findEndpoint(ids[0] ?? "")).toBeUndefined();
    expect(await db.apiKey.count({ where: { projectId: project.id } })).toBe(0);
    expect(await records.commit(ids[0] ?? "", [post()])).toEqual([{ outcome: "endpoint_not_found" }]);
    await other.query("ROLLBACK");
    await purge();
    for (const id of ids) expect(await countRows(id)).toEqual(NOTHING);
  });

  it("[G18] [G6] cannot be deleted or locked by another account", async () => {
    const id = await createEndpoint("readings");
    const eve = await server.createPerson(`Eve${count}`);
    expect((await eve.call("DELETE", `/api/manage/projects/${project.id}`)).status).toBe(404);
    expect(await countRows(id)).toMatchObject({ endpoints: 1 });
  });

  it("[G18] is also deleted with the account that owns it", async () => {
    const id = await createEndpoint("readings");
    await fill(id, 10);
    await server.runtime.db.user.delete({ where: { id: ada.id } });
    expect(await server.runtime.records.commit(id, [post()])).toEqual([{ outcome: "endpoint_not_found" }]);
    await purge();
    expect(await countRows(id)).toEqual(NOTHING);
  });

  it("[G18] objects that are created in it concurrently are not found, without a failure", async () => {
    const endpoint = await createEndpoint("readings");
    const creations: [deletion: string, path: string, body: object | undefined][] = [
      [`DELETE FROM "Endpoint" WHERE "id" = '${endpoint}'`, `endpoints/${endpoint}/stream-ticket`, undefined],
      [`DELETE FROM "Project" WHERE "id" = '${project.id}'`, `projects/${project.id}/keys`, { name: "another" }],
    ];
    const another = (await ada.call("POST", "/api/manage/projects", { body: { name: "Climate" } })).body.id;
    creations.push([`DELETE FROM "Project" WHERE "id" = '${another}'`, `projects/${another}/endpoints`, { name: "readings" }]);
    for (const [deletion, path, body] of creations) {
      const call = () => ada.call("POST", `/api/manage/${path}`, body === undefined ? {} : { body });
      expect(await answerBeside(deletion, call), path).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
  });
});
