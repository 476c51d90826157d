/** Tests idempotent requests and their stored responses (R9) with a real database. */
import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordStore, Write } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { sweepIdempotentRequests } from "@/src/db/records/idempotent-requests";
import { createRecordStore } from "@/src/db/records/record-store";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";
import { until } from "@/tests/support/until";

let world: RecordsDatabase;
let store: RecordStore;
let endpointId: string;

beforeAll(async () => {
  world = await createRecordsDatabase();
  store = createRecordStore(world);
});
afterAll(() => world.close());
beforeEach(async () => {
  ({ id: endpointId } = await world.createEndpoint());
  world.takeNotifications();
});

const sha256 = (text: string) => createHash("sha256").update(text).digest();
const toKey = (hash: string, fingerprint = "request") => ({ hash: sha256(hash), fingerprint: sha256(fingerprint) });
const post = (data: string): Write & { type: "POST" } => ({ type: "POST", id: createUniqueId(), contentType: "json", data });
const remembered = async () => {
  const { rows } = await world.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM "IdempotentRequest" WHERE "endpointId" = $1`,
    [endpointId],
  );
  return rows[0]?.count;
};

describe("an idempotent request", () => {
  it("[R9] [W4] is written, stored and published together", async () => {
    const result = await store.commitIdempotent(endpointId, toKey("a"), [post("1"), post("2")], (records) =>
      records.map(({ data }) => data).join(),
    );
    expect(result).toMatchObject({ outcome: "written", results: [{ outcome: "ok" }, { outcome: "ok" }] });
    expect(world.takeNotifications()).toEqual([{ kind: "endpoint", endpointId }]);
    expect(await store.findStoredResponse(endpointId, toKey("a"))).toEqual({ outcome: "replayed", response: "1,2" });
    expect(await store.findStoredResponse(endpointId, toKey("a", "other"))).toEqual({ outcome: "reused" });
    expect(await store.findStoredResponse(endpointId, toKey("b"))).toBeUndefined();
    expect(await store.findStoredResponse((await world.createEndpoint()).id, toKey("a"))).toBeUndefined();
    await world.expectSound(endpointId);
  });

  it("[R9] is not written again, and a replay is not published", async () => {
    await store.commitIdempotent(endpointId, toKey("a"), [post("1")], () => "first");
    world.takeNotifications();
    expect(await store.commitIdempotent(endpointId, toKey("a"), [post("1")], () => "second")).toEqual({
      outcome: "replayed",
      response: "first",
    });
    expect(await store.commitIdempotent(endpointId, toKey("a", "other"), [post("1")], () => "second")).toEqual({ outcome: "reused" });
    expect(world.takeNotifications()).toEqual([]);
    expect(await world.expectSound(endpointId)).toHaveLength(1);
  });

  it("[R9] sent to two servers is written by one of them", async () => {
    const stores = [store, createRecordStore({ ...world, queue: createEndpointQueue() })];
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        stores[n % 2]?.commitIdempotent(endpointId, toKey("a"), [post(String(n))], ([record]) => record?.data ?? ""),
      ),
    );
    const written = results.filter((result) => result?.outcome === "written");
    expect(written).toHaveLength(1);
    const [entry, ...others] = await world.expectSound(endpointId);
    expect(others).toEqual([]);
    for (const result of results) if (result?.outcome !== "written") expect(result).toEqual({ outcome: "replayed", response: entry?.data });
  });

  it("[R9] that fails stores neither records nor a response", async () => {
    const failed = store.commitIdempotent(endpointId, toKey("a"), [post("1"), post("{broken")], () => "");
    await expect(failed).rejects.toThrow();
    await expect(
      store.commitIdempotent(endpointId, toKey("a"), [post("1")], () => {
        throw new Error("no answer");
      }),
    ).rejects.toThrow("no answer");
    expect([await remembered(), await world.expectSound(endpointId), world.takeNotifications()]).toEqual([0, [], []]);
    expect(await store.commitIdempotent(endpointId, toKey("a"), [post("1")], () => "")).toMatchObject({ outcome: "written" });
  });

  it("[R9] at a deleted endpoint is not stored", async () => {
    const result = await store.commitIdempotent(randomUUID(), toKey("a"), [post("1"), post("2")], () => "");
    expect(result).toEqual({ outcome: "written", results: Array(2).fill({ outcome: "endpoint_not_found" }) });
  });

  it("[R9] is deleted with its endpoint", async () => {
    await store.commitIdempotent(endpointId, toKey("a"), [post("1")], () => "");
    await world.db.endpoint.delete({ where: { id: endpointId } });
    expect(await remembered()).toBe(0);
  });
});

describe("the sweep", () => {
  it("[R9] deletes responses older than a day, in any number, and keeps the rest", async () => {
    await world.pool.query(
      `INSERT INTO "IdempotentRequest" ("endpointId", hash, fingerprint, answer, "createdAt")
       SELECT $1, sha256(n::text::bytea), '', '', now() - CASE WHEN n <= 2500 THEN interval '24 hours 1 second' ELSE interval '23 hours 59 minutes' END
       FROM generate_series(1, 2507) AS n`,
      [endpointId],
    );
    await Promise.all([sweepIdempotentRequests(world), sweepIdempotentRequests(world)]);
    expect(await remembered()).toBe(7);
  });

  it("[R9] is queued at an endpoint that is being written to", async () => {
    await world.pool.query(
      `INSERT INTO "IdempotentRequest" ("endpointId", hash, fingerprint, answer, "createdAt") VALUES ($1, 'a', '', 'answer', now() - interval '2 days')`,
      [endpointId],
    );
    const writer = await world.pool.connect();
    await writer.query("BEGIN");
    await writer.query(`SELECT FROM "Endpoint" WHERE id = $1 FOR NO KEY UPDATE`, [endpointId]);
    let isSwept = false;
    const sweep = sweepIdempotentRequests(world).then(() => {
      isSwept = true;
    });
    await until("the sweep to wait, or to give up", async () => {
      const { rows } = await writer.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
      return isSwept || rows.length > 0;
    });
    await writer.query("COMMIT");
    writer.release();
    await sweep;
    expect(await remembered()).toBe(0);
  });
});
