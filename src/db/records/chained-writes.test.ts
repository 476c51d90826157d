/** Tests batches with several writes to one record: chained writes, and replacements that follow each other. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Write, WriteResult } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;

beforeAll(async () => {
  world = await createRecordsDatabase();
});

afterAll(() => world.close());

const put = (id: string, data: string, more: object = {}): Write => ({ type: "PUT", id, contentType: "json", data, ...more });
const post = (id: string, data: string, owner?: string): Write => ({ type: "POST", id, contentType: "json", data, owner });

describe("chained writes", () => {
  it("[R7] are done only if the one before was, whatever version the record has", async () => {
    const { id: endpointId } = await world.createEndpoint();
    const [one, two] = [createUniqueId(), createUniqueId()];
    await world.db.record.commit(endpointId, [post(one, "1"), post(two, "2"), put(one, '"other"')]);
    const results = await world.db.record.commit(endpointId, [
      // The record has version 2, which the second write of this chain would have expected.
      put(one, '"lost"', { expectedVersion: 1 }),
      put(one, '"lost"', { isChained: true }),
      put(two, '"a"', { expectedVersion: 1 }),
      put(two, '"b"', { isChained: true }),
      put(two, '"c"', { isChained: true }),
      put(one, '"lost"', { isChained: true }),
      put(one, '"d"', { expectedVersion: 2 }),
      put(createUniqueId(), '"lost"'),
      put(one, '"lost"', { isChained: true }),
    ]);
    const outcomes = results.map((result) =>
      result.outcome === "ok" ? `${result.change.seq} ${result.change.record.data}` : result.outcome,
    );
    const conflict = "version_conflict";
    expect(outcomes).toEqual([conflict, conflict, '4 "a"', '5 "b"', '6 "c"', conflict, '7 "d"', "record_not_found", conflict]);
    await world.expectSound(endpointId);
  });
});

describe("a batch", () => {
  interface Step {
    record: number;
    kind: "put" | "chained" | "replace" | "delete";
    contentType: "json" | "text";
    version: number | undefined;
    owner: number | undefined;
  }
  const step = fc.record<Step>({
    record: fc.integer({ min: 0, max: 1 }),
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("put" as const, "chained" as const) },
      { weight: 1, arbitrary: fc.constantFrom("replace" as const, "delete" as const) },
    ),
    contentType: fc.oneof({ weight: 6, arbitrary: fc.constant("json" as const) }, { weight: 1, arbitrary: fc.constant("text" as const) }),
    version: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 3 }),
    owner: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined, freq: 3 }),
  });

  it("[R4] [R5] [R7] [S2] [W4] has the results, the log and the records of its writes one by one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 20 }), async (steps) => {
        const owners = [createUniqueId(), createUniqueId()];
        const batch = await prepare(owners);
        const single = await prepare(owners);
        const together = await world.db.record.commit(
          batch.endpointId,
          steps.map((one, n) => toWrite(one, n, batch.ids, owners)),
        );
        const apart: WriteResult[] = [];
        for (const [n, one] of steps.entries()) {
          const [before, last] = [steps[n - 1], apart.at(-1)];
          const isDone = last?.outcome === "ok" && before?.record === one.record && before.kind !== "delete";
          const isLike = before?.contentType === one.contentType && before.owner === one.owner;
          // By itself a chained write expects the version that the write before it reached. Version 0 does not exist.
          const expectedVersion = isDone && isLike ? last.change.record.version : 0;
          const write = toWrite(one, n, single.ids, owners);
          const alone = one.kind === "chained" ? { ...write, isChained: false, expectedVersion } : write;
          apart.push(...(await world.db.record.commit(single.endpointId, [alone])));
        }
        expect(together.map((one) => toComparable(one, batch.ids))).toEqual(apart.map((one) => toComparable(one, single.ids)));
        const logs = [await world.expectSound(batch.endpointId), await world.expectSound(single.endpointId)];
        const [first, second] = logs.map((log) => log.map((entry) => ({ ...entry, id: "" })));
        expect(first).toEqual(second);
      }),
      { numRuns: 60 },
    );
  });

  async function prepare(owners: readonly string[]): Promise<{ endpointId: string; ids: string[] }> {
    const { id: endpointId } = await world.createEndpoint();
    const ids = [createUniqueId(), createUniqueId()];
    await world.db.record.commit(
      endpointId,
      ids.map((id, n) => post(id, '"first"', owners[n])),
    );
    return { endpointId, ids };
  }

  function toWrite(
    { record, kind, contentType, version, owner }: Step,
    n: number,
    ids: readonly string[],
    owners: readonly string[],
  ): Write {
    const id = ids[record] ?? "";
    const conditions = { expectedVersion: version, onlyOwner: owner === undefined ? undefined : owners[owner] };
    if (kind === "delete") return { type: "DELETE", id, ...conditions };
    const data = JSON.stringify(`${n} ${"x".repeat(n)}`);
    return { type: "PUT", id, contentType, data, sameType: kind === "replace", isChained: kind === "chained", ...conditions };
  }

  function toComparable(result: WriteResult, ids: readonly string[]) {
    if (result.outcome !== "ok") return result.outcome;
    const { seq, type, owner, record } = result.change;
    return { seq, type, owner, record: ids.indexOf(record.id), version: record.version, data: record.data };
  }
});
