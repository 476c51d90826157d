/** Tests reads of records that are judged one by one, with a real database. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExaminedRange, ListedRecord } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRead, type Read } from "@/src/db/read";
import { createExaminedReads } from "@/src/db/reads/examined-records";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let read: Read;
/** The last statement. */
let last: { statement: string; values: readonly unknown[] };

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 4, serverDefaults: ["timezone TO 'Asia/Kolkata'", "datestyle TO 'SQL, DMY'"] });
  read = createRead(world.pool);
});
afterAll(() => world.close());

const reads = () =>
  createExaminedReads({
    read: (statement, values) => {
      last = { statement, values };
      return read(statement, values);
    },
  });

async function create(
  texts: readonly string[],
  owners: readonly (string | undefined)[] = [undefined],
): Promise<{ endpointId: string; ids: string[] }> {
  const { id: endpointId } = await world.createEndpoint();
  const writes = texts.map((data, n) => ({
    type: "POST" as const,
    id: createUniqueId(),
    contentType: "json" as const,
    data,
    owner: owners[n % owners.length],
  }));
  await createRecordStore(world).commit(endpointId, writes);
  return { endpointId, ids: writes.map(({ id }) => id) };
}

/** Calls `examine` until the range has ended. */
async function examineAll(endpointId: string, range: ExaminedRange): Promise<{ records: ListedRecord[]; calls: number }> {
  const records: ListedRecord[] = [];
  let after = range.after;
  for (let calls = 1; ; calls++) {
    const found = await reads().examine(endpointId, { ...range, after });
    records.push(...found.records);
    if (found.next === undefined) return { records, calls };
    after = found.next;
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n + 1));
const ODD = { text: "(r.data::text)::int % $1::int = 1", values: [2] };

describe("examined records", () => {
  it("[S7] [R3] are those of the range, the owner and the condition, in order, whatever the size of the steps", async () => {
    const owners = [createUniqueId(), createUniqueId(), undefined];
    const { endpointId } = await create(numbers(30), owners);
    const ranges = fc.record({
      order: fc.constantFrom("asc" as const, "desc" as const, undefined),
      after: fc.option(fc.nat({ max: 32 }), { nil: undefined }),
      upto: fc.option(fc.nat({ max: 32 }), { nil: undefined }),
      owner: fc.constantFrom(owners[0], owners[1], undefined),
      condition: fc.constantFrom(ODD, { text: "false", values: [] }, undefined),
      limit: fc.integer({ min: 1, max: 35 }),
      examine: fc.integer({ min: 1, max: 35 }),
      isFirst: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(ranges, async (range) => {
        const isDescending = range.order === "desc";
        const expected = Array.from({ length: 30 }, (_, n) => n + 1).filter((seq) => {
          const isAfter = range.after === undefined || (isDescending ? seq < range.after : seq > range.after);
          const isUpto = range.upto === undefined || (isDescending ? seq >= range.upto : seq <= range.upto);
          const isOwn = range.owner === undefined || owners[(seq - 1) % 3] === range.owner;
          return isAfter && isUpto && isOwn && (range.condition === undefined || (range.condition === ODD && seq % 2 === 1));
        });
        const { records, calls } = await examineAll(endpointId, range);
        expect(records.map(({ seq }) => seq)).toEqual(isDescending ? expected.reverse() : expected);
        expect(records.every(({ seq, data, owner }) => data === String(seq) && (owner ?? undefined) === owners[(seq - 1) % 3])).toBe(true);
        expect(calls).toBeLessThanOrEqual(2 + Math.ceil(30 / Math.min(range.limit, range.examine)));
      }),
      { numRuns: 60 },
    );
  });

  it("[S7] [R15] are at most about 1 MiB in one read, however they are stored", async () => {
    const text = (n: number) => JSON.stringify({ n, text: "x".repeat(300_000) });
    const { endpointId } = await create([1, 2, 3, 4, 5, 6, 7, 8, 9].map(text));
    const range = { limit: 100, examine: 100, isFirst: true };
    const first = await reads().examine(endpointId, range);
    expect(first.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(first.next).toBe(4);
    expect((await examineAll(endpointId, range)).records).toHaveLength(9);
    const large = await create([JSON.stringify("y".repeat(3_000_000)), "2"]);
    expect((await reads().examine(large.endpointId, range)).records).toHaveLength(1);
  });

  it("[S7] say where a list ends that begins now", async () => {
    const { endpointId } = await create(numbers(5));
    expect((await reads().examine(endpointId, { limit: 2, examine: 9, isFirst: true })).upto).toBe(5);
    expect((await reads().examine(endpointId, { limit: 2, examine: 9, isFirst: true, order: "desc" })).upto).toBe(0);
  });

  it("[S7] [R3] by ids are those of the endpoint, in order of creation", async () => {
    const { endpointId, ids } = await create(numbers(40));
    const other = await create(["1"]);
    const found: ListedRecord[] = [];
    for await (const records of reads().examineByIds(endpointId, [...ids].reverse().concat(other.ids, createUniqueId()))) {
      expect(records.length).toBeLessThanOrEqual(16);
      found.push(...records);
    }
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found[0]).toEqual({ id: ids[0], seq: 1, data: "1", owner: null, createdAt: expect.any(String), updatedAt: expect.any(String) });
  });
});

describe("the plan", () => {
  /** The nodes of the plan of the last statement. */
  async function explain(): Promise<{ text: string; examined: number }> {
    const { rows } = await world.pool.query<{ "QUERY PLAN": unknown }>(`EXPLAIN (ANALYZE, TIMING off, FORMAT json) ${last.statement}`, [
      ...last.values,
    ]);
    const text = JSON.stringify(rows[0]?.["QUERY PLAN"]);
    const index = /"Index Name": ?"(Record[^"]*)"/.exec(text)?.[1] ?? "";
    const examined = Math.max(...[...text.matchAll(/"Actual Rows": ?(\d+)/g)].map(([, count]) => Number(count)));
    return { text: `${index} ${/"Node Type": ?"Seq Scan"/.test(text) ? "with a scan of the table" : ""}`.trim(), examined };
  }

  it("[S7] [A2] reads the records of an owner by their index, and examines no more than it must", async () => {
    const { id: endpointId } = await world.createEndpoint();
    const owner = createUniqueId();
    const client = await world.pool.connect();
    try {
      await client.query(`BEGIN; SET LOCAL rested.logged_by_commit TO on`);
      await client.query(
        `INSERT INTO "Record" (id, "endpointId", seq, data, "ownerId") SELECT gen_random_uuid(), $1, n, to_json(n),
          CASE WHEN n % 100 = 0 THEN $2::uuid ELSE gen_random_uuid() END FROM generate_series(1, 30000) n`,
        [endpointId, owner],
      );
      await client.query("COMMIT");
      await client.query(`ANALYZE "Record"`);
    } finally {
      client.release();
    }
    for (const order of ["asc", "desc"] as const) {
      const condition = { text: `r."ownerId" = $1::uuid AND (r.data::text)::int > 0`, values: [owner] };
      const own = await reads().examine(endpointId, { order, owner, condition, limit: 51, examine: 2_000, isFirst: true });
      expect(own.records).toHaveLength(51);
      expect(await explain()).toEqual({ text: "Record_endpointId_ownerId_seq_idx", examined: 51 });
      const any = await reads().examine(endpointId, {
        order,
        condition: { text: "(r.data::text)::int > $1::int", values: [0] },
        limit: 51,
        examine: 2_000,
        isFirst: true,
      });
      expect(any.records).toHaveLength(51);
      expect(await explain()).toEqual({ text: expect.stringMatching(/^Record_endpointId_seq\S*$/), examined: 51 });
      const none = await reads().examine(endpointId, {
        order,
        condition: { text: "(r.data::text)::int < $1::int", values: [0] },
        limit: 51,
        examine: 2_000,
        isFirst: true,
      });
      expect([none.records, none.next]).toEqual([[], order === "asc" ? 2_000 : 28_001]);
      expect((await explain()).examined).toBe(2_000);
    }
  });
});
