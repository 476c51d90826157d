/** Tests that every way to write a record is logged and published. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { Db } from "@/src/db/client";
import { createRecordsDatabase, type LogEntry, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let db: Db;
let endpointId: string;

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 4 });
  ({ db } = world);
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  world.takeNotifications();
});

const ofEndpoint = () => [{ kind: "endpoint", endpointId }];

/** Without the ids of records, which differ in every run. */
async function readLog(): Promise<string[]> {
  const log = await world.expectSound(endpointId);
  return log.map(({ type, data, version }: LogEntry) => `${type} ${data} v${version}`);
}

/** Two records, whose changes are 1 and 2. */
async function createTwo(): Promise<[string, string]> {
  const a = await db.record.create({ data: { endpointId, data: { n: 1 } } });
  const b = await db.record.create({ data: { endpointId, data: { n: 2 } } });
  world.takeNotifications();
  return [a.id, b.id];
}
const TWO = ['POST {"n":1} v1', 'POST {"n":2} v1'];

describe("single writes of the client", () => {
  it("[W4] create", async () => {
    const record = await db.record.create({ data: { endpointId, data: { a: [1, null] } } });
    expect(record).toMatchObject({ version: 1, data: { a: [1, null] } });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual(['POST {"a":[1,null]} v1']);
  });

  it("[W4] create without the endpoint in the result", async () => {
    await db.record.create({ data: { endpointId, data: 1 }, select: { id: true } });
    await db.record.create({ data: { endpointId, data: 2 }, select: { id: true } });
    expect(world.takeNotifications()).toEqual([...ofEndpoint(), ...ofEndpoint()]);
    expect(await readLog()).toEqual(["POST 1 v1", "POST 2 v1"]);
  });

  it("[W4] create cannot set what the database sets", async () => {
    const record = await db.record.create({ data: { endpointId, data: 1, version: 9, seq: 7n } });
    expect(record.version).toBe(1);
    expect(await readLog()).toEqual(["POST 1 v1"]);
  });

  it("[W4] createMany", async () => {
    await db.record.createMany({ data: [1, 2, 3].map((n) => ({ endpointId, data: n })) });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual(["POST 1 v1", "POST 2 v1", "POST 3 v1"]);
  });

  it("[W4] createMany that skips duplicates logs only what it created, without a gap", async () => {
    const [id] = await createTwo();
    const rows = [
      { id, endpointId, data: "taken" },
      { endpointId, data: "new" },
      { id, endpointId, data: "taken again" },
    ];
    await db.record.createMany({ data: rows, skipDuplicates: true });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    await db.record.createMany({ data: rows.slice(0, 1), skipDuplicates: true });
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual([...TWO, 'POST "new" v1']);
  });

  it("[W4] createManyAndReturn", async () => {
    const records = await db.record.createManyAndReturn({ data: [1, 2].map((n) => ({ endpointId, data: n })) });
    expect(records).toHaveLength(2);
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual(["POST 1 v1", "POST 2 v1"]);
  });

  it("[W4] update, which cannot set what the database sets", async () => {
    const [id] = await createTwo();
    const createdAt = new Date("2001-01-01");
    const record = await db.record.update({ where: { id }, data: { data: "x", version: 40, seq: 70n, createdAt } });
    expect(record).toMatchObject({ version: 2, data: "x", seq: 1n });
    expect(record.createdAt).not.toEqual(createdAt);
    expect(record.updatedAt.getTime()).toBeGreaterThanOrEqual(record.createdAt.getTime());
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual([...TWO, 'PUT "x" v2']);
  });

  it("[W4] update that returns only the id publishes an unknown notification", async () => {
    const [id] = await createTwo();
    await db.record.update({ where: { id }, data: { data: "x" }, select: { id: true } });
    expect(world.takeNotifications()).toEqual([{ kind: "unknown" }]);
    await db.record.update({ where: { id, endpointId }, data: { data: "y" }, select: { id: true } });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual([...TWO, 'PUT "x" v2', 'PUT "y" v3']);
  });

  it("[W4] update cannot move a record to another endpoint", async () => {
    const [id] = await createTwo();
    const other = await world.createEndpoint();
    await expect(db.record.update({ where: { id }, data: { endpointId: other.id } })).rejects.toThrow("keeps its id and its endpoint");
    await expect(db.record.update({ where: { id }, data: { id: randomUUID() } })).rejects.toThrow("keeps its id and its endpoint");
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual(TWO);
  });

  it("[W4] updateMany and updateManyAndReturn", async () => {
    await createTwo();
    await db.record.updateMany({ where: { endpointId }, data: { data: "x" } });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    await db.record.updateManyAndReturn({ where: { endpointId, version: 2 }, data: { data: "y" } });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    await db.record.updateMany({ where: { endpointId, version: 99 }, data: { data: "nobody" } });
    await db.record.updateManyAndReturn({ where: { endpointId, version: 99 }, data: { data: "nobody" } });
    expect(world.takeNotifications()).toEqual([]);
    await db.record.updateMany({ where: { version: 3 }, data: { data: "z" } });
    expect(world.takeNotifications()).toEqual([{ kind: "unknown" }]);
    expect(await readLog()).toEqual([...TWO, ...['"x" v2', '"x" v2', '"y" v3', '"y" v3', '"z" v4', '"z" v4'].map((end) => `PUT ${end}`)]);
  });

  it("[W4] upsert, both ways", async () => {
    const id = randomUUID();
    const upsert = (data: string) => db.record.upsert({ where: { id }, create: { id, endpointId, data }, update: { data } });
    await upsert("first");
    await upsert("second");
    expect(world.takeNotifications()).toEqual([...ofEndpoint(), ...ofEndpoint()]);
    expect(await readLog()).toEqual(['POST "first" v1', 'PUT "second" v2']);
  });

  it("[W4] delete and deleteMany, with the last state", async () => {
    const [id] = await createTwo();
    await db.record.delete({ where: { id } });
    await db.record.deleteMany({ where: { endpointId } });
    expect(world.takeNotifications()).toEqual([...ofEndpoint(), ...ofEndpoint()]);
    await db.record.deleteMany({ where: { endpointId } });
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual([...TWO, 'DELETE {"n":1} v1', 'DELETE {"n":2} v1']);
  });

  it("[W4] nested writes below a user and an endpoint", async () => {
    await db.endpoint.update({ where: { id: endpointId }, data: { description: "nothing about records" } });
    expect(world.takeNotifications()).toEqual([]);
    const id = randomUUID();
    await db.endpoint.update({
      where: { id: endpointId },
      data: { appUsers: { create: { name: "someone", passwordHash: "none", record: { create: { id, endpointId, data: 1 } } } } },
    });
    expect(world.takeNotifications()).toEqual([{ kind: "unknown" }]);
    await db.appUser.update({ where: { id }, data: { record: { update: { data: { data: 3 } } } } });
    expect(world.takeNotifications()).toEqual([{ kind: "unknown" }]);
    expect(await readLog()).toEqual(["POST 1 v1", "PUT 3 v2"]);
  });

  it("[W4] a record and a change need an endpoint and are deleted with it, in every way", async () => {
    const missing = randomUUID();
    await expect(db.record.create({ data: { endpointId: missing, data: 1 } })).rejects.toThrow();
    const change = {
      type: "POST",
      recordId: randomUUID(),
      data: 1,
      version: 1,
      recordCreatedAt: new Date(),
      recordUpdatedAt: new Date(),
    } as const;
    await expect(db.change.create({ data: { ...change, endpointId: missing, seq: 1n } })).rejects.toThrow();
    await db.record.create({ data: { endpointId, data: 1 } });
    await expect(db.change.updateMany({ where: { endpointId }, data: { endpointId: missing } })).rejects.toThrow();
    await expect(db.endpoint.update({ where: { id: endpointId }, data: { id: missing } })).rejects.toThrow("keeps its id");
    await db.$executeRaw`DELETE FROM "Endpoint" WHERE id = ${endpointId}::uuid`;
    expect([await db.record.count({ where: { endpointId } }), await db.change.count({ where: { endpointId } })]).toEqual([0, 0]);
  });

  it("[W4] raw SQL, also with ON CONFLICT", async () => {
    const id = randomUUID();
    const insert = (data: string) =>
      db.$executeRaw`INSERT INTO "Record" (id, "endpointId", data) VALUES (${id}::uuid, ${endpointId}::uuid, ${data}::json)
        ON CONFLICT (id) DO UPDATE SET data = EXCLUDED.data`;
    await insert("1");
    await insert("2");
    await db.$executeRaw`INSERT INTO "Record" (id, "endpointId", data) VALUES (${id}::uuid, ${endpointId}::uuid, '3') ON CONFLICT DO NOTHING`;
    await db.$executeRawUnsafe(`UPDATE "Record" SET data = '4' WHERE id = $1::uuid`, id);
    await db.$queryRaw`DELETE FROM "Record" WHERE id = ${id}::uuid RETURNING id::text`;
    expect(world.takeNotifications()).toEqual(Array(5).fill({ kind: "unknown" }));
    await db.$queryRaw`SELECT id::text FROM "Record" FOR UPDATE`;
    await db.$queryRawUnsafe(`SELECT id::text FROM "Record" FOR NO KEY UPDATE`);
    await db.$executeRaw`UPDATE "Endpoint" SET description = 'x' WHERE id = ${endpointId}::uuid`;
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual(["POST 1 v1", "PUT 2 v2", "PUT 4 v3", "DELETE 4 v3"]);
  });

  it("[W4] TRUNCATE logs what it removes", async () => {
    const lonely = await createRecordsDatabase();
    try {
      const { id } = await lonely.createEndpoint();
      await lonely.db.record.createMany({ data: [1, 2].map((n) => ({ endpointId: id, data: n })) });
      await lonely.db.$executeRaw`TRUNCATE "Record" CASCADE`;
      const log = await lonely.expectSound(id);
      expect(log.map(({ type }) => type)).toEqual(["POST", "POST", "DELETE", "DELETE"]);
    } finally {
      await lonely.close();
    }
  });

  it("[W4] a write that fails is neither logged nor published", async () => {
    const [id] = await createTwo();
    await expect(db.record.create({ data: { id, endpointId, data: 1 } })).rejects.toThrow();
    await expect(
      db.record.createMany({
        data: [
          { endpointId, data: 1 },
          { id, endpointId, data: 2 },
        ],
      }),
    ).rejects.toThrow();
    await expect(db.record.create({ data: { endpointId: randomUUID(), data: 1 } })).rejects.toThrow();
    await expect(db.record.update({ where: { id: randomUUID() }, data: { data: 1 } })).rejects.toThrow();
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual(TWO);
  });

  it("[W4] a notification is published after the change is visible to others", async () => {
    await db.record.create({ data: { endpointId, data: 1 } });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await world.readLog(endpointId)).toHaveLength(1);
  });
});

describe("transactions", () => {
  const post = (data: string) => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data });

  it("[W4] with a callback publish each endpoint once, after the commit", async () => {
    const other = await world.createEndpoint();
    await db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: 1 } });
      await tx.record.commit(endpointId, [post("2")]);
      await tx.record.updateMany({ where: { endpointId }, data: { data: 3 } });
      await tx.record.create({ data: { endpointId: other.id, data: 1 } });
      expect(world.takeNotifications()).toEqual([]);
      expect(await world.readLog(endpointId)).toEqual([]);
    });
    expect(world.takeNotifications()).toEqual([...ofEndpoint(), { kind: "endpoint", endpointId: other.id }]);
    expect(await readLog()).toEqual(["POST 1 v1", "POST 2 v1", "PUT 3 v2", "PUT 3 v2"]);
    await world.expectSound(other.id);
  });

  it("[W4] with a callback that throws log and publish nothing, and pass the error on", async () => {
    const error = new Error("changed my mind");
    const attempt = db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: 1 } });
      await tx.record.commit(endpointId, [post("2")]);
      await tx.$executeRaw`DELETE FROM "Record" WHERE "endpointId" = ${endpointId}::uuid`;
      throw error;
    });
    await expect(attempt).rejects.toBe(error);
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual([]);
    await db.record.create({ data: { endpointId, data: "after" } });
    expect(await readLog()).toEqual(['POST "after" v1']);
  });

  it("[W4] with a callback that swallows a failed statement publish no changes, because PostgreSQL rolls them back", async () => {
    await db.$transaction(async (tx) => {
      await tx.record.commit(endpointId, [post("1")]);
      await tx.$queryRaw`SELECT 1 / 0`.catch(() => undefined);
    });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual([]);
  });

  it("[W4] as an array publish after the commit", async () => {
    const [id] = await createTwo();
    const results = await db.$transaction([
      db.record.create({ data: { endpointId, data: 3 } }),
      db.record.update({ where: { id }, data: { data: 4 } }),
      db.$executeRaw`UPDATE "Endpoint" SET description = 'x' WHERE id = ${endpointId}::uuid`,
      db.record.deleteMany({ where: { endpointId } }),
    ]);
    expect(results).toMatchObject([{ data: 3 }, { data: 4, version: 2 }, 1, { count: 3 }]);
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    const log = await readLog();
    expect(log.slice(2, 4)).toEqual(["POST 3 v1", "PUT 4 v2"]);
    // PostgreSQL chooses the order in which one statement deletes.
    expect(log.slice(4).sort()).toEqual(["DELETE 3 v1", "DELETE 4 v2", 'DELETE {"n":2} v1']);
  });

  it("[W4] as an array that fails at its end log and publish nothing", async () => {
    const [id] = await createTwo();
    const attempt = db.$transaction([
      db.record.create({ data: { endpointId, data: 3 } }),
      db.record.update({ where: { id }, data: { data: 4 } }),
      db.record.create({ data: { id, endpointId, data: "taken" } }),
    ]);
    await expect(attempt).rejects.toMatchObject({ code: "P2002" });
    expect(world.takeNotifications()).toEqual([]);
    expect(await readLog()).toEqual(TWO);
  });

  it("[W4] nested ones: what the inner one rolled back is not logged, the rest is", async () => {
    await db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: "outer" } });
      const inner = tx.$transaction(async (deeper) => {
        await deeper.record.commit(endpointId, [post('"inner"')]);
        throw new Error("inner");
      });
      await expect(inner).rejects.toThrow("inner");
      await tx.record.create({ data: { endpointId, data: "last" } });
    });
    expect(world.takeNotifications()).toEqual(ofEndpoint());
    expect(await readLog()).toEqual(['POST "outer" v1', 'POST "last" v1']);
  });

  it("[W4] work that outlives its transaction publishes immediately", async () => {
    let late: Promise<unknown> = Promise.resolve();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await db.$transaction(async () => {
      late = released.then(() => db.record.create({ data: { endpointId, data: "late" } }));
    });
    expect(world.takeNotifications()).toEqual([]);
    release();
    await late;
    expect(world.takeNotifications()).toEqual(ofEndpoint());
  });

  it("[E4] with a callback are run again after contention", async () => {
    const [a, b] = await createTwo();
    const attempts: string[] = [];
    let meet: () => void = () => undefined;
    const bothHold = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const lock = (first: string, second: string) =>
      db.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT 1 FROM "Record" WHERE "id" = ${first}::uuid FOR UPDATE`;
        attempts.push(first);
        if (attempts.length === 2) meet();
        await bothHold;
        await tx.$executeRaw`SELECT 1 FROM "Record" WHERE "id" = ${second}::uuid FOR UPDATE`;
        return first;
      });
    expect(await Promise.all([lock(a, b), lock(b, a)])).toEqual([a, b]);
    expect(attempts.length).toBeGreaterThan(2);
  });

  it("[W4] concurrent ones keep their notifications separate", async () => {
    const other = await world.createEndpoint();
    const failing = db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId: other.id, data: 1 } });
      throw new Error("no");
    });
    const passing = db.$transaction((tx) => tx.record.create({ data: { endpointId, data: 1 } }));
    await Promise.allSettled([failing, passing]);
    expect(world.takeNotifications()).toEqual(ofEndpoint());
  });

  it("[W4] accept an isolation level", async () => {
    const level = await db.$transaction((tx) => tx.$queryRaw`SELECT current_setting('transaction_isolation') AS level`, {
      isolationLevel: "Serializable",
    });
    expect(level).toEqual([{ level: "serializable" }]);
  });
});
