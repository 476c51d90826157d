/** Tests reads of single records that share statements, with a real database. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordStore } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRead, type Read } from "@/src/db/read";
import { createReadOne } from "@/src/db/reads/one-record";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let store: RecordStore;
let readOne: RecordStore["readOne"];
/** The statements since the test began. */
let statements: string[];

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 4, serverDefaults: ["timezone TO 'Asia/Kolkata'"] });
  store = createRecordStore(world);
  const read = createRead(world.pool);
  const countedRead: Read = (statement, values) => {
    statements.push(statement);
    return read(statement, values);
  };
  readOne = createReadOne({ read: countedRead, pageReads: undefined });
});
afterAll(() => world.close());
beforeEach(() => {
  statements = [];
});

async function createEndpointId(): Promise<string> {
  return (await world.createEndpoint()).id;
}

async function create(endpointId: string, data: readonly string[], owner?: string): Promise<string[]> {
  const writes = data.map((text) => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data: text, owner }));
  await store.commit(endpointId, writes);
  return writes.map(({ id }) => id);
}

describe("concurrent reads of single records", () => {
  it("[R3] [S2] give each its own record of its own endpoint with its owner, in fewer statements than reads", async () => {
    const owners = [createUniqueId(), undefined];
    const worlds = await Promise.all(
      [0, 1, 2, 3].map(async (number) => {
        const endpointId = await createEndpointId();
        const owner = owners[number % 2];
        const texts = Array.from({ length: 60 }, (_, index) => `{"of":${number},"index":${index}}`);
        return { endpointId, owner, texts, ids: await create(endpointId, texts, owner) };
      }),
    );
    const asked = worlds.flatMap(({ endpointId, owner, texts, ids }, number) =>
      ids.flatMap((id, index) => {
        const elsewhere = worlds[(number + 1) % worlds.length]?.endpointId ?? "";
        return [
          { endpointId, id, expected: { id, version: 1, data: texts[index], contentType: "json", owner: owner ?? null } },
          { endpointId: elsewhere, id, expected: undefined },
          { endpointId, id: createUniqueId(), expected: undefined },
        ];
      }),
    );
    const found = await Promise.all(asked.map(({ endpointId, id }) => readOne(endpointId, id)));
    for (const [index, { expected }] of asked.entries()) {
      if (expected) expect(found[index]).toMatchObject(expected);
      else expect(found[index]).toBeUndefined();
    }
    expect(statements.length).toBeLessThan(asked.length / 50);
  });

  it("[R3] see every write that was acknowledged before they began", async () => {
    const endpointId = await createEndpointId();
    type Step = { kind: "write" | "remove" | "read"; record: number };
    const steps = fc.array(fc.record<Step>({ kind: fc.constantFrom("write", "read", "read", "remove"), record: fc.nat({ max: 4 }) }), {
      minLength: 10,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), async (all, callers) => {
        const ids = await create(endpointId, Array(5).fill("1"));
        /** The version of each record that was acknowledged last; Infinity: deleted. */
        const acknowledged = ids.map(() => 1);
        const act = async ({ kind, record }: Step) => {
          const id = ids[record] ?? "";
          if (kind === "read") {
            const before = acknowledged[record] ?? 0;
            const version = (await readOne(endpointId, id))?.version ?? Number.POSITIVE_INFINITY;
            expect(version).toBeGreaterThanOrEqual(before);
            return;
          }
          const write =
            kind === "write" ? ({ type: "PUT", id, contentType: "json", data: "2" } as const) : ({ type: "DELETE", id } as const);
          const [result] = await store.commit(endpointId, [write]);
          if (result?.outcome !== "ok") return;
          const version = kind === "write" ? result.change.record.version : Number.POSITIVE_INFINITY;
          acknowledged[record] = Math.max(acknowledged[record] ?? 0, version);
        };
        const run = async (caller: number) => {
          for (let index = caller; index < all.length; index += callers) {
            const step = all[index];
            if (step) await act(step);
          }
        };
        await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)));
      }),
      { numRuns: 30 },
    );
  });

  it("[R3] [E6] read large records alone, in full, and the others together", async () => {
    const endpointId = await createEndpointId();
    const large = JSON.stringify("ab".repeat(200_000));
    const noise = JSON.stringify(Array.from({ length: 2_000 }, () => randomUUID()));
    const texts = ["1", large, '"small"', noise, "null"];
    const ids = await create(endpointId, texts);
    statements = [];
    const found = await Promise.all(ids.map((id) => readOne(endpointId, id)));
    expect(found.map((record) => record?.data)).toEqual(texts);
    expect(statements.map((statement) => /rested_\w+/.exec(statement)?.[0])).toEqual([
      "rested_read_ones",
      "rested_read_one",
      "rested_read_one",
    ]);
    expect((await readOne(endpointId, ids[1] ?? ""))?.data).toBe(large);
  });

  it("[E3] get their records although the connection of their statement is lost", async () => {
    const endpointId = await createEndpointId();
    const ids = await create(endpointId, ["1", "2", "3"]);
    const locker = await world.pool.connect();
    try {
      await locker.query("BEGIN");
      await locker.query('LOCK TABLE "Record" IN ACCESS EXCLUSIVE MODE');
      const reading = Promise.all(ids.map((id) => readOne(endpointId, id)));
      // On another connection, because a transaction sees the same activity again and again.
      const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%rested_read_ones%' AND pid <> pg_backend_pid() AND datname = current_database()`;
      while ((await world.pool.query(end)).rowCount === 0);
      await locker.query("COMMIT");
      expect((await reading).map((record) => record?.data)).toEqual(["1", "2", "3"]);
    } finally {
      locker.release();
    }
  });

  it("[E3] reject only the read that the database refuses", async () => {
    const endpointId = await createEndpointId();
    const [id = ""] = await create(endpointId, ["1"]);
    const [found, refused] = await Promise.allSettled([readOne(endpointId, id), readOne(endpointId, "no-uuid")]);
    expect(found).toMatchObject({ status: "fulfilled", value: { data: "1" } });
    expect(refused).toMatchObject({ status: "rejected", reason: { code: "22P02" } });
  });
});
