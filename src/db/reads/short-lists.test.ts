/** Tests reads of short lists, with a real database. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { RecordStore } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createRead } from "@/src/db/read";
import { createReadStart } from "@/src/db/reads/short-lists";
import { createRecordStore } from "@/src/db/records/record-store";
import { AppError } from "@/src/shared/errors";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

let world: RecordsDatabase;
let store: RecordStore;
let readStart: RecordStore["readStart"];
let statementCount: number;

beforeAll(async () => {
  world = await createRecordsDatabase({ max: 4, serverDefaults: ["timezone TO 'Asia/Kolkata'", "datestyle TO 'SQL, DMY'"] });
  store = createRecordStore(world);
  const read = createRead(world.pool);
  readStart = createReadStart({
    read: (statement, values) => {
      statementCount += 1;
      return read(statement, values);
    },
  });
});
afterAll(() => world.close());
beforeEach(() => {
  statementCount = 0;
});

async function createEndpointId(): Promise<string> {
  return (await world.createEndpoint()).id;
}

async function create(endpointId: string, data: readonly string[], owner?: string): Promise<string[]> {
  const writes = data.map((text) => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data: text, owner }));
  await store.commit(endpointId, writes);
  return writes.map(({ id }) => id);
}

async function collect(pieces: AsyncIterable<string>): Promise<string> {
  const parts: string[] = [];
  for await (const piece of pieces) parts.push(piece);
  return parts.join(",");
}

describe("the beginning of a list", () => {
  it("[R3] [S2] has the records of its range, order and owner, and says where it continues", async () => {
    const endpointId = await createEndpointId();
    const owners = [createUniqueId(), createUniqueId(), undefined];
    for (let number = 1; number <= 30; number++) await create(endpointId, [String(number)], owners[number % 3]);
    const ranges = fc.record({
      owner: fc.constantFrom(owners[0], owners[1], undefined),
      after: fc.option(fc.nat({ max: 32 }), { nil: undefined }),
      order: fc.constantFrom("asc" as const, "desc" as const, undefined),
      limit: fc.option(fc.integer({ min: 1, max: 35 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(ranges, async ({ owner, after, order, limit }) => {
        const isAfter = (seq: number) => after === undefined || (order === "desc" ? seq < after : seq > after);
        const all = Array.from({ length: 30 }, (_, index) => index + 1)
          .filter((seq) => isAfter(seq) && (owner === undefined || owners[seq % 3] === owner))
          .sort((a, b) => (order === "desc" ? b - a : a - b));
        const listed = all.slice(0, limit);
        const more = listed.length < all.length ? { after: listed.at(-1), upto: order === "desc" ? 0 : 30 } : undefined;
        const start = await readStart(endpointId, { owner, after, order, limit, dataOnly: true });
        expect(start).toEqual({ items: listed.join(","), more });
        const full = await readStart(endpointId, { owner, after, order, limit, dataOnly: false });
        const rest =
          more?.after === undefined
            ? ""
            : await collect(store.readAll(endpointId, { owner, ...more, after: more.after, order, dataOnly: false }));
        const whole = await collect(store.readAll(endpointId, { owner, after, order, dataOnly: false }));
        expect([full?.items, rest].filter((text) => text !== "").join(",")).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });

  it("[R3] is undefined if its records are too many or too large, also if they compress well", async () => {
    const endpointId = await createEndpointId();
    await create(endpointId, ["1", JSON.stringify("ab".repeat(300_000)), JSON.stringify("cd".repeat(300_000))]);
    expect(await readStart(endpointId, { dataOnly: true })).toBeUndefined();
    expect(await readStart(endpointId, { limit: 1_001, dataOnly: true })).toBeUndefined();
    expect((await collect(store.readAll(endpointId, { dataOnly: true }))).length).toBe(1_200_007);
    expect(await readStart(await createEndpointId(), { dataOnly: true })).toEqual({ items: "", more: undefined });
  });

  it("[R3] [S2] is read once for identical reads that wait, and separately for other owners, ranges, forms and endpoints", async () => {
    const [endpointId, other] = [await createEndpointId(), await createEndpointId()];
    const owners = [createUniqueId(), createUniqueId()];
    for (const owner of owners) await create(endpointId, [`"of ${owner}"`], owner);
    await create(other, ['"elsewhere"']);
    const asked = Array.from({ length: 20 }, () => [
      ...owners.map((owner) => ({ endpointId, range: { owner, dataOnly: true }, items: `"of ${owner}"` })),
      { endpointId, range: { dataOnly: true }, items: owners.map((owner) => `"of ${owner}"`).join(",") },
      { endpointId, range: { limit: 1, dataOnly: true }, items: `"of ${owners[0]}"` },
      { endpointId, range: { order: "desc" as const, limit: 1, dataOnly: true }, items: `"of ${owners[1]}"` },
      { endpointId, range: { after: 1, dataOnly: true }, items: `"of ${owners[1]}"` },
      { endpointId, range: { after: 1, owner: owners[0], dataOnly: true }, items: "" },
      { endpointId: other, range: { dataOnly: true }, items: '"elsewhere"' },
    ]).flat();
    const found = await Promise.all(asked.map(({ endpointId: of, range }) => readStart(of, range)));
    expect(found.map((start) => start?.items)).toEqual(asked.map(({ items }) => items));
    // The first of each kind runs alone, and the others share the second statement; a slow statement adds a third.
    expect(statementCount).toBeGreaterThanOrEqual(16);
    expect(statementCount).toBeLessThanOrEqual(24);
  });

  it("[E6] is read round robin by endpoint", async () => {
    const [busy, other] = [await createEndpointId(), await createEndpointId()];
    const order: unknown[] = [];
    const read = createRead(world.pool);
    const listReads = createFairSemaphore({
      permits: 1,
      waiting: { max: 100 },
      waitMsMax: 10_000,
      createBusyError: () => new AppError("server_busy"),
    });
    const readInTurn = createReadStart({
      read: (statement, values) => {
        order.push(values[0]);
        return read(statement, values);
      },
      listReads,
    });
    const pages = [1, 2, 3, 4].map((after) => readInTurn(busy, { after, dataOnly: true }));
    await Promise.all([...pages, readInTurn(other, { dataOnly: true })]);
    expect(order).toEqual([busy, busy, other, busy, busy]);
  });

  it("[R3] has every write that was acknowledged before it was requested", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 10, maxLength: 50 }), fc.integer({ min: 2, max: 8 }), async (steps, callers) => {
        const endpointId = await createEndpointId();
        let acknowledged = 0;
        const run = async (caller: number) => {
          for (let index = caller; index < steps.length; index += callers) {
            const before = acknowledged;
            if (steps[index]) {
              await create(endpointId, ["1"]);
              acknowledged += 1;
            } else {
              const start = await readStart(endpointId, { dataOnly: true });
              expect(start?.items.split(",").filter((item) => item !== "").length).toBeGreaterThanOrEqual(before);
            }
          }
        };
        await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)));
      }),
      { numRuns: 20 },
    );
  });
});
