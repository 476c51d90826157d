/** Tests pages of snapshots (W11) with a real database: which records, from which moment, and which are marked as changed. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordStore, Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { SnapshotReader } from "@/src/core/streams/ports";
import { createRecordStore } from "@/src/db/records/record-store";
import { createSnapshotReader } from "@/src/db/records/snapshot-reader";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let store: RecordStore;
let reader: SnapshotReader;
let endpointId: string;

beforeAll(async () => {
  world = await createRecordsDatabase();
  store = createRecordStore(world);
  reader = createSnapshotReader(world);
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
});

async function create(count: number, { data = "1", owner }: { data?: string; owner?: string | undefined } = {}): Promise<string[]> {
  const writes = Array.from({ length: count }, (): Write => ({ type: "POST", id: createUniqueId(), contentType: "json", data, owner }));
  await store.commit(endpointId, writes);
  return writes.map(({ id }) => id);
}

const put = (id: string, data: string) => store.commit(endpointId, [{ type: "PUT", id, contentType: "json", data }]);
const toRecords = (items: string): { uniqueId: string; data: unknown }[] => JSON.parse(`[${items}]`);

describe("a page", () => {
  it("[W11] contains the current state of the records up to the given position, and marks those that changed after it", async () => {
    const [first = "", second = "", third = ""] = await create(3);
    await put(first, "2");
    await put(second, "3");
    await put(second, "4");
    await store.commit(endpointId, [{ type: "DELETE", id: third }]);
    await create(1);
    const page = await reader.readPage(endpointId, { after: 0, upto: 4 });
    expect(toRecords(page?.items ?? "")).toMatchObject([
      { uniqueId: first, data: 2 },
      { uniqueId: second, data: 4 },
    ]);
    expect(page?.changed).toEqual([{ id: second, version: 3 }]);
    expect(page?.nextAfter).toBeUndefined();
    expect(page?.at).toEqual(
      ((await world.db.$queryRaw`SELECT wire_id(epoch) AS epoch, seq::int FROM "Endpoint" WHERE id = ${endpointId}::uuid`) as unknown[])[0],
    );
  });

  it("[W11] ends at about 64 KiB, and the next ones contain the rest, each record once", async () => {
    const ids = await create(40, { data: `"${"x".repeat(10_000)}"` });
    await put(ids[9] ?? "", "1");
    const pages: string[][] = [];
    const changed: string[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = await reader.readPage(endpointId, { after, upto: 40 });
      expect(page?.items.length).toBeLessThan(65_536 + 11_000);
      pages.push(toRecords(page?.items ?? "").map(({ uniqueId }) => uniqueId));
      changed.push(...(page?.changed ?? []).map(({ id }) => id));
      after = page?.nextAfter;
    }
    expect(pages.length).toBeGreaterThan(4);
    expect(pages.flat()).toEqual(ids);
    expect(changed).toEqual([ids[9]]);
  });

  it("[S2] [W11] contains nothing of other users, not even which records changed", async () => {
    const [ann, bob] = [createUniqueId(), createUniqueId()];
    const own = await create(2, { owner: ann });
    const others = await create(2, { owner: bob });
    for (const id of [...own, ...others]) await put(id, "2");
    const page = await reader.readPage(endpointId, { owner: ann, after: 0, upto: 4 });
    expect(toRecords(page?.items ?? "").map(({ uniqueId }) => uniqueId)).toEqual(own);
    expect(page?.changed.map(({ id }) => id).sort()).toEqual([...own].sort());
  });

  it("[W29] has the owners of exactly its records, if they are requested", async () => {
    const ann = createUniqueId();
    const own = await create(2, { owner: ann });
    const ofNobody = await create(2);
    const page = await reader.readPage(endpointId, { after: 0, upto: 3, withOwners: true });
    expect(page?.owners).toEqual(new Map([...own.map((id): [string, string] => [id, ann]), [ofNobody[0], null]]));
    expect([...(page?.owners?.keys() ?? [])].sort()).toEqual(
      toRecords(page?.items ?? "")
        .map(({ uniqueId }) => uniqueId)
        .sort(),
    );
    expect((await reader.readPage(endpointId, { after: 0, upto: 3 }))?.owners).toBeUndefined();
    const pages = await create(40, { data: `"${"x".repeat(10_000)}"` });
    const first = await reader.readPage(endpointId, { after: 4, upto: 44, withOwners: true });
    expect(first?.owners?.size).toBe(toRecords(first?.items ?? "").length);
    expect(first?.owners?.size).toBeLessThan(pages.length);
  });

  it("[W29] with a condition has only the records that fulfil it, with their owners, and examines no more than its size at a time", async () => {
    const [ann, bob] = [createUniqueId(), createUniqueId()];
    const stored: { id: string; n: number; owner: string | null }[] = [];
    for (let n = 1; n <= 40; n += 1) {
      const owner = [ann, bob, undefined][n % 3];
      const [id = ""] = await create(1, {
        data: n % 7 === 0 ? JSON.stringify({ n, long: "x".repeat(30_000) }) : JSON.stringify({ n }),
        owner,
      });
      stored.push({ id, n, owner: owner ?? null });
    }
    const [changed] = stored;
    await put(changed?.id ?? "", '{"n":1000}');
    const n = "(r.data->>'n')::int";
    for (const count of [3, 1000]) {
      for (const owner of [undefined, ann]) {
        for (const [text, values, fulfils] of [
          [`${n} > $1::int AND ${n} < $2::int`, [10, 30], (each: number) => each > 10 && each < 30],
          [`${n} % $1::int = 0`, [7], (each: number) => each % 7 === 0],
          ["false", [], () => false],
        ] as const) {
          const noted: number[] = [];
          const size = { count, note: (ms: number) => void noted.push(ms) };
          const found: { id: string; owner: string | null | undefined }[] = [];
          const others: string[] = [];
          for (let after: number | undefined = 0; after !== undefined; ) {
            const page = await reader.readPage(endpointId, { owner, after, upto: 40, withOwners: true, condition: { text, values, size } });
            const records = toRecords(page?.items ?? "");
            expect(page?.items.length).toBeLessThan(65_536 + 31_000);
            expect([...(page?.owners?.keys() ?? [])].sort()).toEqual(records.map(({ uniqueId }) => uniqueId).sort());
            expect(records.length).toBeLessThanOrEqual(count);
            found.push(...records.map(({ uniqueId: id }) => ({ id, owner: page?.owners?.get(id) })));
            others.push(...(page?.changed ?? []).map(({ id }) => id));
            after = page?.nextAfter;
          }
          const expected = stored.filter((each) => fulfils(each.n) && each !== changed && (owner === undefined || each.owner === owner));
          expect(found).toEqual(expected.map((each) => ({ id: each.id, owner: each.owner })));
          // Its changes are older than the state that was examined.
          expect(others).toEqual(owner === undefined ? [changed?.id] : []);
          expect(noted.length).toBeGreaterThan(0);
        }
      }
    }
  });

  it("[W11] is empty if there are no records, and undefined if there is no endpoint", async () => {
    expect(await reader.readPage(endpointId, { after: 0, upto: 0 })).toMatchObject({ items: "", changed: [], nextAfter: undefined });
    expect(await reader.readPage(randomUUID(), { after: 0, upto: 0 })).toBeUndefined();
  });
});
