/** Tests concurrent writers: the log is in commit order, has no gaps, and agrees with the records. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RecordStore } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRecordStore } from "@/src/db/records/record-store";
import { createEndpointPurge } from "@/src/db/stores/purge-endpoints";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";
import { until } from "@/tests/support/until";

let world: RecordsDatabase;
let store: RecordStore;

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 4 });
  store = createRecordStore(world);
});
afterAll(() => world.close());

const post = (data: string) => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data });

/** Step `step` of writer `writer`, in one of the ways to write. */
async function writeSomehow(endpointId: string, own: string[], writer: number, step: number): Promise<void> {
  const data = `[${writer},${step}]`;
  const last = own.at(-1);
  switch ((writer + step) % 7) {
    case 0:
    case 1: {
      const writes = [post(data), post(data)];
      own.push(...writes.map(({ id }) => id));
      await store.commit(endpointId, writes);
      return;
    }
    case 2:
      own.push((await world.db.record.create({ data: { endpointId, data: [writer, step] } })).id);
      return;
    case 3:
      await world.db.record.createMany({ data: [1, 2].map((n) => ({ endpointId, data: [writer, step, n] })) });
      return;
    case 4:
      if (last) await world.db.record.update({ where: { id: last }, data: { data: "updated" } });
      return;
    case 5:
      if (last) await store.merge(endpointId, last.replaceAll("-", ""), ({ data: old }) => `[${old}]`);
      return;
    default:
      if (last) await store.commit(endpointId, [post(data), { type: "DELETE", id: last }]);
      own.pop();
  }
}

describe("concurrent writers", () => {
  it("[W4] 8 writers with 50 writes each, by record commit and by plain writes, on 4 connections", async () => {
    const { id } = await world.createEndpoint();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const own: string[] = [];
        for (let step = 0; step < 50; step++) await writeSomehow(id, own, writer, step);
      }),
    );
    const log = await world.expectSound(id);
    expect(log.length).toBeGreaterThan(400);
  });

  it("[W4] all on one record, by record commit and by plain writes: no writer gets a deadlock", async () => {
    const { id: endpointId } = await world.createEndpoint();
    const { id } = post("0");
    await store.commit(endpointId, [{ ...post("0"), id }]);
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let step = 0; step < 25; step++) {
          const data = String(step);
          if (writer % 2) await world.db.record.update({ where: { id }, data: { data } });
          else await store.commit(endpointId, [{ type: "PUT", id, contentType: "json", data }]);
        }
      }),
    );
    const log = await world.expectSound(endpointId);
    expect(log.at(-1)).toMatchObject({ seq: 201, version: 201 });
  });

  it("[W4] the record commit yields to a plain writer that locked the record and needs the endpoint, instead of a deadlock", async () => {
    // Unresolved at first, so that its result is not overlooked.
    const patient = await createRecordsDatabase({ max: 2, serverDefaults: ["deadlock_timeout TO '1h'"] });
    const plain = new pg.Client({ connectionString: patient.database.url });
    try {
      const { id: endpointId } = await patient.createEndpoint();
      const { id } = post("0");
      await patient.db.record.commit(endpointId, [{ ...post("0"), id }]);
      // The lock that a plain UPDATE takes before its trigger locks the endpoint.
      await plain.connect();
      await plain.query("BEGIN");
      await plain.query(`SELECT FROM "Record" WHERE id = $1 FOR UPDATE`, [id]);
      const put = patient.db.record.commit(endpointId, [{ type: "PUT", id, contentType: "json", data: '"commit"' }]);
      await until("the record commit tries", async () => {
        const { rowCount } = await world.pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%record_commit%' AND query_start > $2`,
          [patient.database.database, (await plain.query("SELECT now() AS start")).rows[0]?.start],
        );
        return rowCount === 1;
      });
      await plain.query(`UPDATE "Record" SET data = '"plain"' WHERE id = $1`, [id]);
      await plain.query("COMMIT");
      expect(await put).toMatchObject([{ outcome: "ok", change: { seq: 3, record: { version: 3 } } }]);
      expect((await patient.expectSound(endpointId)).map(({ data }) => data)).toEqual(["0", '"plain"', '"commit"']);
    } finally {
      await plain.end();
      await patient.close();
    }
  });

  it("[W4] an open transaction delays the numbers after it", async () => {
    const { id: endpointId } = await world.createEndpoint();
    let second: Promise<unknown> | undefined;
    await world.db.$transaction(async (tx) => {
      await tx.record.create({ data: { endpointId, data: "first" } });
      second = store.commit(endpointId, [post('"second"')]);
      await until("the second writer to wait", async () => {
        const { rowCount } = await world.pool.query(`SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%record_commit%'`);
        return rowCount === 1;
      });
      expect(await world.readLog(endpointId)).toEqual([]);
    });
    await second;
    expect((await world.expectSound(endpointId)).map(({ data }) => data)).toEqual(['"first"', '"second"']);
  });
});

describe("deletion", () => {
  it.each(["endpoint", "project"] as const)("[W4] of the %s deletes records and log, even while others write", async (what) => {
    const { id: endpointId, projectId } = await world.createEndpoint();
    const kept = await world.createEndpoint();
    let deleted = false;
    const outcomes = new Set<string>();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      const own: string[] = [];
      for (let step = 0; !outcomes.has("endpoint_not_found") || step < 20; step++) {
        await writeSomehow(endpointId, own, writer, step).catch((error: unknown) => {
          // The endpoint was deleted, and with it the record to update or the parent of the record to create.
          if (!deleted) throw error;
        });
        const [result] = await store.commit(endpointId, [post("1")]);
        if (result) outcomes.add(result.outcome);
      }
    });
    await until("some records", async () => (await world.readLog(endpointId)).length > 40);
    deleted = true;
    if (what === "endpoint") await world.db.endpoint.delete({ where: { id: endpointId } });
    else await world.db.project.delete({ where: { id: projectId } });
    await Promise.all(writers);
    await createEndpointPurge(world).run();
    expect([...outcomes].sort()).toEqual(["endpoint_not_found", "ok"]);
    expect(await world.db.record.count({ where: { endpointId } })).toBe(0);
    expect(await world.db.change.count({ where: { endpointId } })).toBe(0);
    await store.commit(kept.id, [post("1")]);
    await world.expectSound(kept.id);
  });
});
