/** Tests the record commit and the reads with a real database. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Change, RecordStore, Write, WriteResult } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createMerge } from "@/src/db/records/merge-record";
import { createRecordStore } from "@/src/db/records/record-store";
import { AppError } from "@/src/shared/errors";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let world: RecordsDatabase;
let store: RecordStore;
let endpointId: string;

beforeAll(async () => {
  // Defaults that would break times and locks if the code relied on them.
  world = await createRecordsDatabase({
    max: 4,
    serverDefaults: ["timezone TO 'Asia/Kolkata'", "datestyle TO 'SQL, DMY'", "default_transaction_isolation TO 'serializable'"],
  });
  store = createRecordStore(world);
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  world.takeNotifications();
});

const post = (data: string, contentType: "json" | "text" = "json"): Write & { type: "POST" } => ({
  type: "POST",
  id: createUniqueId(),
  contentType,
  data,
});

function toChange(result: WriteResult | undefined): Change {
  if (result?.outcome !== "ok") throw new Error(`not written: ${result?.outcome}`);
  return result.change;
}

async function create(data: string, contentType: "json" | "text" = "json"): Promise<Change> {
  const [result] = await store.commit(endpointId, [post(data, contentType)]);
  world.takeNotifications();
  return toChange(result);
}

async function readByIds(of: string, ids: readonly string[], options: { dataOnly: boolean }): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of store.readByIds(of, ids, options)) pieces.push(piece);
  return pieces;
}

async function readAll(options: { dataOnly: boolean }): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of store.readAll(endpointId, options)) pieces.push(piece);
  return pieces;
}

describe("the record commit", () => {
  it("[W4] [R1] returns and publishes the changes as they are logged", async () => {
    const writes = [post('{"b":1,"a":2}'), post('"text"', "text")];
    const before = Date.now();
    const results = await store.commit(endpointId, writes);
    const changes = results.map(toChange);
    expect(world.takeNotifications()).toEqual([{ kind: "changes", changes }]);
    expect(changes).toMatchObject([
      { endpointId, seq: 1, type: "POST", record: { id: writes[0]?.id, version: 1, data: '{"b":1,"a":2}' } },
      { endpointId, seq: 2, type: "POST", record: { id: writes[1]?.id, version: 1, data: '"text"' } },
    ]);
    for (const { at, record } of changes) {
      expect(at).toMatch(TIME);
      expect([record.createdAt, record.updatedAt]).toEqual([at, at]);
      expect(Math.abs(Date.parse(at) - before)).toBeLessThan(60_000);
    }
    await world.expectSound(endpointId);
  });

  it("[R4] [R5] updates and deletes, increasing versions; the deletion has the last state", async () => {
    const { record } = await create("1");
    const [put] = await store.commit(endpointId, [{ type: "PUT", id: record.id, contentType: "text", data: '"2"' }]);
    expect(toChange(put)).toMatchObject({
      seq: 2,
      type: "PUT",
      record: { id: record.id, version: 2, data: '"2"', createdAt: record.createdAt },
    });
    const [gone] = await store.commit(endpointId, [{ type: "DELETE", id: record.id }]);
    expect(toChange(gone)).toMatchObject({ seq: 3, type: "DELETE", record: { ...toChange(put).record, seq: 3 } });
    expect(world.takeNotifications()).toMatchObject([{ kind: "changes" }, { kind: "changes" }]);
    await world.expectSound(endpointId);
  });

  it("[W4] applies a mixed batch in order, even to the same record, and reports failures without affecting the rest", async () => {
    const [kept, dropped, text] = [await create("1"), await create("2"), await create('"t"', "text")];
    const fresh = post('"new"');
    const writes: Write[] = [
      fresh,
      { type: "PUT", id: fresh.id, contentType: "json", data: '"newer"', expectedVersion: 1 },
      { type: "PUT", id: kept.record.id, contentType: "json", data: "3", expectedVersion: 9 },
      { type: "DELETE", id: createUniqueId() },
      { type: "PUT", id: text.record.id, contentType: "json", data: "4", sameType: true },
      { type: "PUT", id: text.record.id, contentType: "text", data: '"5"', sameType: true },
      { type: "DELETE", id: fresh.id, expectedVersion: 2 },
      { type: "PUT", id: fresh.id, contentType: "json", data: '"too late"' },
      { type: "DELETE", id: dropped.record.id, expectedVersion: 2 },
      { type: "DELETE", id: dropped.record.id },
      post("6"),
    ];
    const results = await store.commit(endpointId, writes);
    expect(results.map((result) => (result.outcome === "ok" ? result.change.seq : result.outcome))).toEqual([
      ...[4, 5, "version_conflict", "record_not_found", "type_mismatch", 6, 7, "record_not_found", "version_conflict", 8, 9],
    ]);
    const changes = results.flatMap((result) => (result.outcome === "ok" ? [result.change] : []));
    expect(world.takeNotifications()).toEqual([{ kind: "changes", changes }]);
    const log = await world.expectSound(endpointId);
    expect(log.slice(3).map(({ type, data, version }) => `${type} ${data} v${version}`)).toEqual([
      ...['POST "new" v1', 'PUT "newer" v2', 'PUT "5" v2', 'DELETE "newer" v2', "DELETE 2 v1", "POST 6 v1"],
    ]);
  });

  it("reports an unknown endpoint for each write, and ignores records of other endpoints", async () => {
    expect(await store.commit(randomUUID(), [post("1"), post("2")])).toEqual(Array(2).fill({ outcome: "endpoint_not_found" }));
    expect(await store.commit(randomUUID(), [post("1"), { type: "DELETE", id: createUniqueId() }])).toEqual(
      Array(2).fill({ outcome: "endpoint_not_found" }),
    );
    const { record } = await create("1");
    const other = await world.createEndpoint();
    expect(await store.commit(other.id, [{ type: "DELETE", id: record.id }])).toEqual([{ outcome: "record_not_found" }]);
    expect(await store.commit(endpointId, [])).toEqual([]);
    expect(world.takeNotifications()).toEqual([]);
    await world.expectSound(other.id);
    await world.expectSound(endpointId);
  });

  it("fails as a whole for an existing id and for data that is not JSON, with errors that do not mean that the database is unavailable", async () => {
    const { record } = await create("1");
    const taken = store.commit(endpointId, [post("2"), { ...post("3"), id: record.id }]);
    await expect(taken).rejects.toMatchObject({ code: "23505" });
    await expect(store.commit(endpointId, [post("{broken")])).rejects.toMatchObject({ code: "22P02" });
    await expect(store.commit(endpointId, [post('"\\u00"')])).rejects.toMatchObject({ code: "22P02" });
    await expect(store.commit(endpointId, [post('"\0"')])).rejects.toMatchObject({ code: "22021" });
    await expect(store.readOne(endpointId, "no-uuid")).rejects.toMatchObject({ code: "22P02" });
    expect(world.takeNotifications()).toEqual([]);
    expect(await world.expectSound(endpointId)).toHaveLength(1);
  });

  it("marks only its own statements: later plain writes of the same transaction are logged once", async () => {
    await world.db.$transaction(async (tx) => {
      await tx.record.commit(endpointId, [post("1"), post("2")]);
      await tx.record.create({ data: { endpointId, data: 3 } });
      await tx.record.commit(endpointId, [post("4"), { type: "DELETE", id: createUniqueId() }]);
      await tx.record.deleteMany({ where: { endpointId, version: 1 } });
    });
    const log = await world.expectSound(endpointId);
    expect(log.map(({ type }) => type).join(" ")).toBe("POST POST POST POST DELETE DELETE DELETE DELETE");
  });
});

describe("merge", () => {
  it("[R4] passes the stored data to the callback, and stores its result", async () => {
    const { record } = await create('{"a":1}');
    const result = await store.merge(endpointId, record.id, ({ contentType, data }) => `{"was":[${JSON.stringify(contentType)},${data}]}`);
    expect(toChange(result)).toMatchObject({ seq: 2, type: "PUT", record: { version: 2, data: '{"was":["json",{"a":1}]}' } });
    expect(world.takeNotifications()).toEqual([{ kind: "changes", changes: [toChange(result)] }]);
    await world.expectSound(endpointId);
  });

  it("[R4] passes on the error of the callback, and writes nothing", async () => {
    const { record } = await create('"text"', "text");
    const error = new AppError("merge_needs_objects");
    const merge = store.merge(endpointId, record.id, (current) => {
      expect(current).toMatchObject({ contentType: "text", data: '"text"' });
      throw error;
    });
    await expect(merge).rejects.toBe(error);
    expect(world.takeNotifications()).toEqual([]);
    expect(await world.expectSound(endpointId)).toHaveLength(1);
  });

  it("reports an unknown record and an unknown endpoint", async () => {
    const never = () => expect.unreachable();
    expect(await store.merge(endpointId, createUniqueId(), never)).toEqual({ outcome: "record_not_found" });
    expect(await store.merge(randomUUID(), createUniqueId(), never)).toEqual({ outcome: "endpoint_not_found" });
  });

  it("[R4] loses none of 20 concurrent merges of two processes, among replacements", async () => {
    const { record } = await create('{"replaced":0}');
    const stores = [store, createRecordStore({ ...world, queue: createEndpointQueue() })];
    const replace: Write = { type: "PUT", id: record.id, contentType: "json", data: '{"replaced":1}' };
    await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => {
        const append = ({ data }: { data: string }) => JSON.stringify({ ...(JSON.parse(data) as object), [`n${n}`]: n });
        return stores[n % 2]?.merge(endpointId, record.id, append);
      }),
      ...Array.from({ length: 5 }, () => stores[0]?.commit(endpointId, [replace])),
    ]);
    const log = await world.expectSound(endpointId);
    expect(log).toHaveLength(26);
    // Each merge added its own member to what it found. A replacement removed all.
    let before: object = {};
    for (const { data } of log) {
      const now = JSON.parse(data) as object;
      if (data !== replace.data && data !== '{"replaced":0}') {
        expect(now).toMatchObject(before);
        expect(Object.keys(now).length).toBe(Object.keys(before).length + 1);
      }
      before = now;
    }
  });

  it("[E4] limits the queued merges of one record, and accepts more afterwards", async () => {
    const { record } = await create("0");
    const merges = Array.from({ length: 201 }, () => store.merge(endpointId, record.id, ({ data }) => data));
    await expect(merges.pop()).rejects.toMatchObject({ code: "server_busy", retryAfterSeconds: 1 });
    for (const result of await Promise.all(merges)) expect(result.outcome).toBe("ok");
    expect(toChange(await store.merge(endpointId, record.id, ({ data }) => data)).record.version).toBe(202);
  });

  it("[R4] succeeds even if the record changes between every read and write", async () => {
    const { record } = await create("0");
    let interfered = 0;
    const merge = createMerge({
      db: world.db,
      queue: world.queue,
      commit: async (...request) => {
        interfered++;
        await world.db.record.update({ where: { id: record.id }, data: { data: interfered } });
        return world.db.record.commit(...request);
      },
    });
    const result = await merge(endpointId, record.id, ({ data }) => `[${data}]`);
    expect(toChange(result)).toMatchObject({ seq: interfered + 2, record: { data: `[${interfered}]`, version: interfered + 2 } });
    expect(interfered).toBeGreaterThan(1);
    await world.expectSound(endpointId);
  });

  it("[R4] a failed merge does not affect other merges of the record", async () => {
    const { record } = await create("0");
    const results = await Promise.allSettled([
      store.merge(endpointId, record.id, () => {
        throw new Error("mine alone");
      }),
      store.merge(endpointId, record.id, ({ data }) => `[${data}]`),
    ]);
    expect(results).toMatchObject([{ status: "rejected" }, { status: "fulfilled", value: { outcome: "ok" } }]);
  });
});

describe("reading", () => {
  const TEXTS = [
    '{"b":1.0,"a":1e400,"b":-0.0,"n":12345678901234567890,"d":0.10}',
    ' { "spaced" :\t[ 1 ,\n2 ] } ',
    '"\\u00e9\\ud800 \\/ é 👩‍👩‍👧"',
    "null",
    '{"__proto__":{"x":1},"uniqueId":"mine"}',
    '"a\\\\b, {c} \\"d\\" NULL"',
    "[]",
  ];

  it("[R1] keeps data as sent, character by character, in responses, lists, pages and the log", async () => {
    const changes = await store.commit(
      endpointId,
      TEXTS.map((text) => post(text)),
    );
    const ids = changes.map((result) => toChange(result).record.id);
    for (const [index, id] of ids.entries()) expect((await store.readOne(endpointId, id))?.data).toBe(TEXTS[index]);
    expect((await readByIds(endpointId, ids, { dataOnly: true })).join(",")).toBe(TEXTS.join(","));
    expect(await readAll({ dataOnly: true })).toEqual([TEXTS.join(",")]);
    expect((await world.readLog(endpointId)).map(({ data }) => data)).toEqual(TEXTS);
    const merged = await store.merge(endpointId, ids[0] ?? "", ({ data }) => data);
    expect(toChange(merged).record.data).toBe(TEXTS[0]);
  });

  it("[R1] [R3] returns the same format in every way, in creation order", async () => {
    const [first, second] = [await create('{"a":1}'), await create('"x"', "text")];
    const wire = [first, second].map(
      ({ record }) =>
        `{"uniqueId":"${record.id}","data":${record.data},"createdAt":"${record.createdAt}","updatedAt":"${record.updatedAt}"}`,
    );
    const ids = [second.record.id, createUniqueId(), first.record.id, first.record.id];
    expect((await readByIds(endpointId, ids, { dataOnly: false })).join(",")).toBe(wire.join(","));
    expect(await readAll({ dataOnly: false })).toEqual([wire.join(",")]);
    expect(await store.readOne(endpointId, second.record.id)).toEqual({
      ...{ ...second.record, seq: undefined },
      contentType: "text",
      owner: null,
    });
    expect(await store.readOne(endpointId, createUniqueId())).toBeUndefined();
    expect(await readByIds(endpointId, [], { dataOnly: false })).toEqual([]);
    expect(await readByIds((await world.createEndpoint()).id, ids, { dataOnly: false })).toEqual([]);
  });

  it("[R1] plain writes of the client have the same format, in milliseconds", async () => {
    const row = await world.db.record.create({ data: { endpointId, data: 1 } });
    const updated = await world.db.record.update({ where: { id: row.id }, data: { data: 2 } });
    const read = await store.readOne(endpointId, row.id);
    expect(read).toMatchObject({ createdAt: row.createdAt.toISOString(), updatedAt: updated.updatedAt.toISOString() });
    expect(Math.abs(updated.updatedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it("[R3] returns an empty list for an empty and for an unknown endpoint", async () => {
    expect(await readAll({ dataOnly: false })).toEqual([]);
    endpointId = randomUUID();
    expect(await readAll({ dataOnly: true })).toEqual([]);
  });

  it("[R3] returns many named records in creation order, each once, in several pieces", async () => {
    const results = await store.commit(
      endpointId,
      Array.from({ length: 40 }, (_, i) => post(String(i))),
    );
    const ids = results.map((result) => toChange(result).record.id).reverse();
    const pieces = await readByIds(endpointId, [...ids, ...ids, createUniqueId()], { dataOnly: true });
    expect(pieces.join(",")).toBe(Array.from({ length: 40 }, (_, i) => String(i)).join(","));
    expect(pieces.map((piece) => piece.split(",").length)).toEqual([16, 16, 8]);
  });

  it("[R3] pages through 2,500 records in exact order, without duplicates or omissions", async () => {
    for (let from = 0; from < 2500; from += 500) {
      await store.commit(
        endpointId,
        Array.from({ length: 500 }, (_, i) => post(String(from + i))),
      );
    }
    const pieces = await readAll({ dataOnly: true });
    expect(pieces.map((piece) => piece.split(",").length)).toEqual([1000, 1000, 500]);
    expect(JSON.parse(`[${pieces.join(",")}]`)).toEqual(Array.from({ length: 2500 }, (_, i) => i));
  });

  it("[R3] keeps pages small even if records are large", async () => {
    const large = JSON.stringify("x".repeat(300_000));
    for (let i = 0; i < 12; i++) await create(i % 4 === 0 ? "0" : large);
    const pieces = await readAll({ dataOnly: true });
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1 << 21);
    expect(pieces.length).toBeGreaterThan(1);
    expect((JSON.parse(`[${pieces.join(",")}]`) as unknown[]).length).toBe(12);
  });

  it("[R3] ends although new records arrive, and handles deleted ones", async () => {
    await store.commit(
      endpointId,
      Array.from({ length: 1500 }, (_, i) => post(String(i))),
    );
    const seen: number[] = [];
    for await (const piece of store.readAll(endpointId, { dataOnly: true })) {
      seen.push(...(JSON.parse(`[${piece}]`) as number[]));
      if (seen.length > 1500) throw new Error("it goes on and on");
      await store.commit(
        endpointId,
        Array.from({ length: 1000 }, () => post("-1")),
      );
      await world.db.$executeRaw`DELETE FROM "Record" WHERE "endpointId" = ${endpointId}::uuid AND seq BETWEEN 1001 AND 1400`;
    }
    expect(seen).toEqual([...Array.from({ length: 1000 }, (_, i) => i), ...Array.from({ length: 100 }, (_, i) => 1400 + i)]);
  });
});
