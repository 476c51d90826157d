/** Tests that the counters of an endpoint match its contents after every kind of write. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordStore, Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRecordStore } from "@/src/db/records/record-store";
import { createUserStore } from "@/src/db/stores/users";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let store: RecordStore;

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 6 });
  store = createRecordStore(world);
});
afterAll(() => world.close());

interface Usage {
  records: string;
  bytes: string;
}

async function readCounters(endpointId: string): Promise<Usage | undefined> {
  const sql = `SELECT "recordCount" AS records, "recordBytes" AS bytes FROM "Endpoint" WHERE id = $1`;
  return (await world.pool.query<Usage>(sql, [endpointId])).rows[0];
}

async function countHeld(endpointId: string): Promise<Usage | undefined> {
  const sql = `SELECT count(*) AS records, coalesce(sum(octet_length(data::text)), 0) AS bytes FROM "Record" WHERE "endpointId" = $1`;
  return (await world.pool.query<Usage>(sql, [endpointId])).rows[0];
}

const data = fc.oneof(
  fc.json({ maxDepth: 1 }),
  // Several bytes per character; long enough to be stored out of line; with white space that JSON does not need.
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text.replaceAll("\0", ""))),
  fc.integer({ min: 1, max: 50_000 }).map((length) => `[${" ".repeat(length)}"é"]`),
);
const WAYS = [
  ...["commit", "batch", "mixed", "replace", "merge", "remove", "idempotent", "create", "createMany", "update", "delete"],
  ...["upsert", "raw", "rawUpdate", "rawDelete", "rolledBack", "failing"],
] as const;
const step = fc.record({ way: fc.constantFrom(...WAYS), text: data, pick: fc.nat() });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const post = (text: string): Write & { type: "POST" } => ({ type: "POST", id: createUniqueId(), contentType: "json", data: text });

/** One step in one of the ways to write. Some steps find nothing to write to. */
async function take(endpointId: string, { way, text, pick }: Step): Promise<void> {
  const { db, pool } = world;
  const ids = (await db.record.findMany({ where: { endpointId }, select: { id: true }, orderBy: { seq: "asc" } })).map(({ id }) => id);
  const id = ids[pick % Math.max(ids.length, 1)] ?? createUniqueId();
  const put: Write = { type: "PUT", id, contentType: "json", data: text };
  const value = JSON.parse(text);
  const where = { endpointId, id };
  const ways: Record<(typeof WAYS)[number], () => PromiseLike<unknown>> = {
    commit: () => store.commit(endpointId, [post(text)]),
    batch: () => store.commit(endpointId, [post(text), post("1"), post(text)]),
    mixed: () => store.commit(endpointId, [post(text), put, { type: "DELETE", id: ids[0] ?? id }, { ...put, expectedVersion: 99 }]),
    replace: () => store.commit(endpointId, [put, put]),
    merge: () => store.merge(endpointId, id, () => text),
    remove: () => store.commit(endpointId, [{ type: "DELETE", id }]),
    idempotent: () =>
      store.commitIdempotent(endpointId, { hash: Buffer.from(`${pick % 3}`), fingerprint: Buffer.from("a") }, [post(text)], () => ""),
    create: () => db.record.create({ data: { endpointId, data: value ?? 0 } }),
    createMany: () => db.record.createMany({ data: [1, 2].map((n) => ({ endpointId, data: [n, value] })) }),
    update: () => db.record.updateMany({ where, data: { data: [value, value] } }),
    delete: () => db.record.deleteMany({ where }),
    upsert: () => db.record.upsert({ where: { id }, create: { endpointId, data: [value] }, update: { data: { value } } }),
    raw: () =>
      pool.query(`INSERT INTO "Record" ("id", "endpointId", "data") VALUES (gen_random_uuid(), $1, $2), (gen_random_uuid(), $1, '2')`, [
        endpointId,
        text,
      ]),
    rawUpdate: () => pool.query(`UPDATE "Record" SET "data" = $2 WHERE "endpointId" = $1 AND "seq" % 2 = 0`, [endpointId, text]),
    rawDelete: () => pool.query(`DELETE FROM "Record" WHERE "endpointId" = $1 AND "seq" % 5 = 0`, [endpointId]),
    rolledBack: () =>
      db
        .$transaction(async (tx) => {
          await tx.record.commit(endpointId, [post(text), put]);
          await tx.record.create({ data: { endpointId, data: 1 } });
          throw new Error("rolled back");
        })
        .catch(() => undefined),
    failing: () => db.record.commit(endpointId, [post(text), post("{")]).catch(() => undefined),
  };
  await ways[way]();
}

describe("the counters", () => {
  it("[G19] match the endpoint's contents after any writes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const { id } = await world.createEndpoint();
        for (const one of steps) {
          await take(id, one);
          expect(await readCounters(id), one.way).toEqual(await countHeld(id));
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it("[G19] match the endpoint's contents after concurrent writes", async () => {
    const { id } = await world.createEndpoint();
    const steps = fc.sample(step, 150);
    await Promise.all(
      [0, 1, 2, 3, 4].map(async (writer) => {
        for (const one of steps.filter((_, n) => n % 5 === writer)) await take(id, one).catch(() => undefined);
      }),
    );
    expect(await readCounters(id)).toEqual(await countHeld(id));
  }, 60_000);

  it("[G19] are initialized by the migrations for existing data", async () => {
    const { id } = await world.createEndpoint();
    await store.commit(id, [post('"é"'), post("[1, 2]")]);
    await store.commitIdempotent(id, { hash: Buffer.from("a"), fingerprint: Buffer.from("b") }, [post("3")], () => "answer");
    await world.pool.query(`UPDATE "Endpoint" SET "recordCount" = 0, "recordBytes" = 0, "answerBytes" = 0 WHERE id = $1`, [id]);
    for (const name of ["20261128120300_usage_counters", "20261128120400_quotas"]) {
      const sql = readFileSync(`prisma/migrations/${name}/migration.sql`, "utf8");
      for (const [statement] of sql.matchAll(/^UPDATE "Endpoint" e SET[^;]*;/gm)) await world.pool.query(statement);
    }
    expect(await readCounters(id)).toEqual({ records: "3", bytes: "11" });
    const { answerBytes } = await world.db.endpoint.findUniqueOrThrow({ where: { id } });
    expect(answerBytes).toBe(6n);
  });

  it("[G19] are corrected where a server of the previous release wrote during the migration, and only there", async () => {
    const [young, old] = [await world.createEndpoint(), await world.createEndpoint()];
    for (const { id } of [young, old]) await store.commit(id, [post('"é"'), post("[1, 2]")]);
    await world.pool.query(`UPDATE "Change" SET at = at - interval '2 hours' WHERE "endpointId" = $1`, [old.id]);
    await world.pool.query(`UPDATE "Endpoint" SET "recordCount" = 1, "recordBytes" = 1 WHERE id = ANY ($1)`, [[young.id, old.id]]);
    await world.pool.query(`BEGIN; ${readFileSync("prisma/migrations/20261128121000_recount/migration.sql", "utf8")} COMMIT`);
    expect(await readCounters(young.id)).toEqual(await countHeld(young.id));
    expect(await readCounters(old.id)).toEqual({ records: "1", bytes: "1" });
  });

  it("[G19] match the endpoint's contents after a TRUNCATE, and when users are created and deleted", async () => {
    const { id, projectId } = await world.createEndpoint();
    await world.db.endpoint.update({ where: { id }, data: { description: projectId } });
    const users = createUserStore(world);
    const user = { endpointId: id, id: createUniqueId(), data: `{"username":"ann"}`, name: "ann", passwordHash: "x" };
    await users.register(user);
    expect(await users.register({ ...user, id: createUniqueId() })).toEqual({ outcome: "username_taken" });
    await users.change({ endpointId: id, id: user.id, data: `{"username":"ann","age":1}`, now: new Date(), expectedVersion: 1 });
    expect(await readCounters(id)).toEqual({ records: "1", bytes: "26" });
    await world.pool.query(`TRUNCATE "Record" CASCADE`);
    expect(await readCounters(id)).toEqual({ records: "0", bytes: "0" });
  });
});
