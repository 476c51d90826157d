import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { createImportStaging, type ImportStaging, type StagedImport } from "@/src/db/records/import-staging";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";
import { until } from "@/tests/support/until";

let world: RecordsDatabase;
let staging: ImportStaging;
let notifications: ChangeNotification[] = [];
let endpointId: string;

beforeAll(async () => {
  world = await createRecordsDatabase();
  const { pool, queue } = world;
  staging = createImportStaging({
    pool,
    queue,
    notifications: { publish: (notification) => notifications.push(notification) },
    log: { warn: console.warn },
  });
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  notifications = [];
});
afterEach(async () => {
  await world.pool.query(`TRUNCATE "Import", "StagedRecord"`);
});

const BATCH = 1000;

async function stage(name: string, count: number): Promise<StagedImport> {
  const staged = staging.begin();
  for (let from = 0; from < count; from += BATCH) {
    await staged.add(Array.from({ length: Math.min(BATCH, count - from) }, (_, index) => `{"from":"${name}","n":${from + index}}`));
  }
  return staged;
}

/** The positions of each import's records in the log, as ranges: "a 1-1000". */
async function findRanges(): Promise<string[]> {
  const log = await world.expectSound(endpointId);
  const ranges: { name: string; from: number; to: number; n: number }[] = [];
  for (const { seq, data } of log) {
    const { from: name, n } = JSON.parse(data);
    const last = ranges.at(-1);
    if (last && last.name === name && n === last.n + 1) Object.assign(last, { to: seq, n });
    else ranges.push({ name, from: seq, to: seq, n });
  }
  return ranges.map(({ name, from, to }) => `${name} ${from}-${to}`);
}

async function countStaged(): Promise<number[]> {
  const { rows } = await world.pool.query<{ imports: number; records: number }>(
    `SELECT (SELECT count(*) FROM "Import")::int AS imports, (SELECT count(*) FROM "StagedRecord")::int AS records`,
  );
  return rows.flatMap(({ imports, records }) => [imports, records]);
}

const post = (name: string): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data: `{"from":"${name}","n":0}` });

describe("publishing", () => {
  it("[G14] creates all records at once, in order, publishes them once, and leaves nothing staged", async () => {
    const staged = await stage("a", 2500);
    expect([await findRanges(), notifications]).toEqual([[], []]);
    expect(await staged.publish(endpointId)).toBe(true);
    await staged.discard();
    expect([await findRanges(), notifications]).toEqual([["a 1-2500"], [{ kind: "endpoint", endpointId }]]);
    expect(await countStaged()).toEqual([0, 0]);
    const endpoint = await world.db.endpoint.findUniqueOrThrow({ where: { id: endpointId } });
    const bytes = Array.from({ length: 2500 }, (_, n) => `{"from":"a","n":${n}}`.length).reduce((sum, length) => sum + length);
    expect(endpoint).toMatchObject({ recordCount: 2500n, recordBytes: BigInt(bytes) });
  });

  it("[G14] [W4] 100,000 records during writes to the same endpoint: no write fails, and readers see all of the import or nothing", async () => {
    const records = createRecordStore({ db: world.db, pool: world.pool, queue: world.queue });
    let isDone = false;
    let written = 0;
    const write = async () => {
      while (!isDone) {
        const [result] = await records.commit(endpointId, [post("writer")]);
        expect(result?.outcome).toBe("ok");
        written += 1;
      }
    };
    const seen = new Set<number>();
    const read = async () => {
      while (!isDone) {
        const { rows } = await world.pool.query<{ count: number }>(
          `SELECT count(*) FILTER (WHERE "data"->>'from' = 'a')::int AS count FROM "Record" WHERE "endpointId" = $1`,
          [endpointId],
        );
        seen.add(rows[0]?.count ?? -1);
      }
    };
    const others = [write(), write(), write(), read()];
    const staged = await stage("a", 100_000);
    const before = written;
    expect(await staged.publish(endpointId)).toBe(true);
    await until("others write after it", () => written > before + 3 && seen.has(100_000));
    isDone = true;
    await Promise.all(others);
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 100_000]);
    const ranges = await findRanges();
    expect(ranges.filter((range) => range.startsWith("a "))).toHaveLength(1);
    expect(ranges).toHaveLength(written + 1);
  }, 120_000);

  it("[G14] two concurrent imports at one endpoint are published one after the other", async () => {
    const both = await Promise.all([stage("a", 3000), stage("b", 3000)]);
    expect(await Promise.all(both.map((staged) => staged.publish(endpointId)))).toEqual([true, true]);
    const ranges = await findRanges();
    expect(ranges.map((range) => range.slice(2))).toEqual(["1-3000", "3001-6000"]);
  });
});

describe("an import that is not completed", () => {
  it("[G14] because its endpoint was deleted creates nothing", async () => {
    const staged = await stage("a", 10);
    await world.db.endpoint.update({ where: { id: endpointId }, data: { projectId: null } });
    expect(await staged.publish(endpointId)).toBe(false);
    await staged.discard();
    expect([await world.readLog(endpointId), notifications, await countStaged()]).toEqual([[], [], [0, 0]]);
  });

  it("[G14] because the database crashed creates nothing and fails with a retryable error", async () => {
    const staged = await stage("a", 1500);
    // A crash empties unlogged tables.
    await world.pool.query(`TRUNCATE "Import", "StagedRecord"`);
    await staged.add(['{"from":"a","n":1500}']);
    await expect(staged.publish(endpointId)).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 5 });
    expect([await findRanges(), notifications]).toEqual([[], []]);
  });

  it("[G14] because a record cannot be stored creates nothing", async () => {
    const staged = await stage("a", 1500);
    await world.pool.query(`UPDATE "StagedRecord" SET "recordId" = (SELECT min("recordId"::text)::uuid FROM "StagedRecord")`);
    await expect(staged.publish(endpointId)).rejects.toThrow();
    expect([await findRanges(), notifications]).toEqual([[], []]);
    await world.db.record.create({ data: { endpointId, data: { from: "after", n: 0 } } });
    expect(await findRanges()).toEqual(["after 1-1"]);
  });

  it("[G14] because the server crashed creates nothing visible, and the staged records are swept later", async () => {
    await stage("left behind", 12_345);
    const underWay = await stage("a", 10);
    await staging.sweep();
    expect(await countStaged()).toEqual([2, 12_355]);
    await world.pool.query(`UPDATE "Import" i SET "touchedAt" = now() - interval '1 hour' WHERE i.id =
      (SELECT s."importId" FROM "StagedRecord" s GROUP BY s."importId" ORDER BY count(*) DESC LIMIT 1)`);
    await staging.sweep();
    expect([await countStaged(), await findRanges()]).toEqual([[1, 10], []]);
    expect(await underWay.publish(endpointId)).toBe(true);
    expect(await findRanges()).toEqual(["a 1-10"]);
  });
});
