/** Tests merges of one record that share a commit: on one server, on two, and among other writers. */
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { Change, RecordStore, WriteResult } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createMerge } from "@/src/db/records/merge-record";
import { createRecordStore } from "@/src/db/records/record-store";
import { AppError } from "@/src/shared/errors";
import { createRecordsDatabase, type RecordsDatabase } from "@/tests/support/servers/records-database";
import { createSeverableProxy } from "@/tests/support/servers/severable-proxy";
import { until } from "@/tests/support/until";

let world: RecordsDatabase;
let endpointId: string;
let store: RecordStore;

beforeAll(async () => {
  world = await createRecordsDatabase();
  store = createRecordStore(world);
});

afterAll(() => world.close());

beforeEach(async () => {
  endpointId = (await world.createEndpoint()).id;
});

type Current = { data: string };
/** Adds a member to the record. */
const add =
  (name: string) =>
  ({ data }: Current) =>
    JSON.stringify({ ...(JSON.parse(data) as object), [name]: true });

function toChange(result: WriteResult | undefined): Change {
  if (result?.outcome !== "ok") throw new Error(`the outcome is ${result?.outcome}`);
  return result.change;
}

async function create(data = "{}", owner?: string): Promise<string> {
  const id = createUniqueId();
  toChange((await store.commit(endpointId, [{ type: "POST", id, contentType: "json", data, owner }]))[0]);
  world.takeNotifications();
  return id;
}

/** A merge function that counts its statements. `before` and `after` run around each commit. */
function observe({ before, after }: { before?: () => Promise<unknown>; after?: () => Promise<unknown> } = {}) {
  const counts = { reads: 0, commits: 0 };
  const merge = createMerge({
    db: world.db,
    queue: world.queue,
    reads: {
      $queryRawUnsafe: (...request) => {
        counts.reads += 1;
        return world.db.$queryRawUnsafe(...request);
      },
    },
    commit: async (...request) => {
      counts.commits += 1;
      await before?.();
      const results = await world.db.record.commit(...request);
      await after?.();
      return results;
    },
  });
  return { merge, counts };
}

describe("merges of one record", () => {
  it("[R4] share a read and a commit if they wait, and each is logged and published in order, with its own version", async () => {
    const id = await create();
    const { merge, counts } = observe();
    const results = await Promise.all(Array.from({ length: 150 }, (_, n) => merge(endpointId, id, add(`n${n}`))));
    expect(counts).toEqual({ reads: 1, commits: 3 });
    const changes = results.map(toChange);
    expect(changes.map(({ seq, record }) => [seq, record.version])).toEqual(changes.map((_, n) => [n + 2, n + 2]));
    expect(JSON.parse(changes.at(-1)?.record.data ?? "")).toEqual(Object.fromEntries(changes.map((_, n) => [`n${n}`, true])));
    expect(world.takeNotifications().flatMap<unknown>((one) => (one.kind === "changes" ? one.changes : [one]))).toEqual(changes);
    const log = await world.expectSound(endpointId);
    expect(log.slice(1).map(({ data }) => data)).toEqual(changes.map(({ record }) => record.data));
  });

  it("[R4] of several records share their reads", async () => {
    const ids = await Promise.all(Array.from({ length: 17 }, () => create()));
    const { merge, counts } = observe();
    const results = await Promise.all(ids.map((id, n) => merge(endpointId, id, add(`n${n}`))));
    expect(counts).toEqual({ reads: 1, commits: 17 });
    expect(results.map((result) => toChange(result).record.id)).toEqual(ids);
    expect(await merge(endpointId, createUniqueId(), () => expect.unreachable())).toEqual({ outcome: "record_not_found" });
    await world.expectSound(endpointId);
  });

  it("[R4] a group holds a limited amount of data", async () => {
    const id = await create();
    const { merge, counts } = observe();
    const large = (n: number) => () => JSON.stringify(`${n} ${"x".repeat(200_000)}`);
    await Promise.all(Array.from({ length: 10 }, (_, n) => merge(endpointId, id, large(n))));
    expect(counts.commits).toBeGreaterThan(2);
    expect(await world.expectSound(endpointId)).toHaveLength(11);
  });

  it("[R7] [S2] a condition that fails, or a result that is refused, affects only its own merge", async () => {
    const owner = createUniqueId();
    const id = await create("{}", owner);
    const error = new AppError("body_too_large");
    const results = await Promise.allSettled([
      store.merge(endpointId, id, add("a")),
      store.merge(endpointId, id, add("stale"), { expectedVersion: 1 }),
      store.merge(endpointId, id, add("b"), { expectedVersion: 2 }),
      store.merge(endpointId, id, add("foreign"), { onlyOwner: createUniqueId() }),
      store.merge(endpointId, id, () => Promise.reject(error)),
      store.merge(endpointId, id, add("c"), { onlyOwner: owner }),
      store.merge(endpointId, id, () => "{broken"),
      store.merge(endpointId, id, add("d")),
    ]);
    const outcomes = results.map((one) => (one.status === "fulfilled" ? one.value.outcome : one.status));
    expect(outcomes).toEqual(["ok", "version_conflict", "ok", "access_denied", "rejected", "ok", "rejected", "ok"]);
    expect(results[4]).toMatchObject({ reason: error });
    expect(results[6]).toMatchObject({ reason: { code: "22P02" } });
    const log = await world.expectSound(endpointId);
    expect(log.map(({ data }) => data)).toEqual(["{}", "a", "a b", "a b c", "a b c d"].map(toObject));
  });

  function toObject(names: string): string {
    return names === "{}" ? names : JSON.stringify(Object.fromEntries(names.split(" ").map((name) => [name, true])));
  }

  it.each([1, 3])(
    "[R7] a condition is compared with the current version, not with an older one of a group (%s)",
    async (expectedVersion) => {
      const id = await create();
      let late: Promise<WriteResult> | undefined;
      // Another server writes after the commit of the first merge. Only then the second one arrives, before the result of the first one.
      const after = async () => {
        if (late) return;
        await world.db.record.update({ where: { id }, data: { data: { other: true } } });
        late = merge(endpointId, id, add("late"), { expectedVersion });
      };
      const { merge } = observe({ after });
      expect(toChange(await merge(endpointId, id, add("first"))).record.version).toBe(2);
      expect(await late).toMatchObject(
        expectedVersion === 3 ? { outcome: "ok", change: { record: { version: 4 } } } : { outcome: "version_conflict" },
      );
      await world.expectSound(endpointId);
    },
  );

  it("[R4] [R5] a deletion in between applies to those that wait behind it, also when the record's state was known", async () => {
    const id = await create();
    let late: Promise<WriteResult>[] = [];
    const after = async () => {
      if (late.length > 0) return;
      await world.db.record.delete({ where: { id } });
      late = [merge(endpointId, id, add("late")), merge(endpointId, id, () => Promise.reject(new Error("not of this state")))];
    };
    const { merge } = observe({ after });
    expect((await merge(endpointId, id, add("first"))).outcome).toBe("ok");
    expect(await Promise.all(late)).toEqual([{ outcome: "record_not_found" }, { outcome: "record_not_found" }]);
    expect(await merge(endpointId, id, add("later"))).toEqual({ outcome: "record_not_found" });
    expect((await world.expectSound(endpointId)).map(({ type }) => type)).toEqual(["POST", "PUT", "DELETE"]);
  });

  it("[R4] a group that another server's write has reached is applied again as a whole", async () => {
    const id = await create();
    let interfered = 0;
    const before = async () => {
      // The other server reaches the version that the second merge of the group was to have.
      if (interfered++ === 0) await world.db.record.update({ where: { id }, data: { data: { other: true } } });
    };
    const { merge, counts } = observe({ before });
    const results = await Promise.all(["a", "b", "c"].map((name) => merge(endpointId, id, add(name))));
    expect(results.map((result) => toChange(result).record.version)).toEqual([3, 4, 5]);
    expect(counts).toEqual({ reads: 2, commits: 2 });
    expect((await world.expectSound(endpointId)).at(-1)?.data).toBe('{"other":true,"a":true,"b":true,"c":true}');
  });

  it("[R4] all succeed even if the record changes before each of their commits", async () => {
    const id = await create();
    let interfered = 0;
    const before = () => world.db.record.update({ where: { id }, data: { data: { [`other${interfered++}`]: true } } });
    const { merge } = observe({ before });
    const results = await Promise.all(["a", "b", "c"].map((name) => merge(endpointId, id, add(name))));
    for (const result of results) expect(result.outcome).toBe("ok");
    expect(interfered).toBe(5);
    const log = await world.expectSound(endpointId);
    expect(log.at(-1)?.data).toBe('{"other4":true,"a":true,"b":true,"c":true}');
  });
});

describe("merges without a database", () => {
  it("[E3] all fail if the connection is lost, whether their commit is under way or not, and none is done twice", async () => {
    const proxy = await createSeverableProxy(inject("postgres"));
    const cut = await createRecordsDatabase({ via: proxy });
    try {
      endpointId = (await cut.createEndpoint()).id;
      const own = createRecordStore(cut);
      const id = createUniqueId();
      await own.commit(endpointId, [{ type: "POST", id, contentType: "json", data: "{}" }]);
      const observer = new pg.Client({ connectionString: cut.database.url });
      await observer.connect();
      await observer.query("BEGIN");
      await observer.query(`SELECT 1 FROM "Endpoint" WHERE id = $1 FOR UPDATE`, [endpointId]);
      const merges = Promise.allSettled(Array.from({ length: 100 }, (_, n) => own.merge(endpointId, id, add(`n${n}`))));
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%rested_record_commit%' AND wait_event_type = 'Lock'`;
      await until("a commit that waits", async () => (await world.pool.query(waiting)).rowCount === 1);
      await proxy.sever();
      for (const result of await merges) expect(result).toMatchObject({ status: "rejected", reason: { code: "database_unavailable" } });
      await observer.query("ROLLBACK");
      await observer.end();
      await proxy.restore();
      // The statement that waited may still be committed, because its server did not notice the loss: as a whole or not at all.
      const last = toChange(await own.merge(endpointId, id, add("last")));
      expect([2, 66]).toContain(last.record.version);
      expect(Object.keys(JSON.parse(last.record.data) as object)).toHaveLength(last.record.version - 1);
      await cut.expectSound(endpointId);
    } finally {
      await cut.close();
      await proxy.close();
    }
  });
});

describe("merges with a check", () => {
  const refuse = (name: string) => async (merged: string) => {
    if (merged.includes(name)) throw new AppError("schema_mismatch", { detail: name });
  };

  it("[R10] are checked as they are written, and one that fails is left out of those behind it", async () => {
    const id = await create();
    const names = ["a", "bad1", "b", "c", "bad2", "bad3", "d", "e", "f", "g", "h", "bad4"];
    const results = await Promise.allSettled(names.map((name) => store.merge(endpointId, id, add(name), { check: refuse("bad") })));
    for (const [index, result] of results.entries()) {
      const isRefused = names[index]?.startsWith("bad");
      expect(result).toMatchObject(isRefused ? { reason: { code: "schema_mismatch" } } : { value: { outcome: "ok" } });
    }
    const log = await world.expectSound(endpointId);
    expect(Object.keys(JSON.parse(log.at(-1)?.data ?? "") as object)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"]);
  });

  it("[R10] [E6] are not checked more than a few times each, whatever fails", async () => {
    const id = await create();
    let checks = 0;
    const check = (merged: string) => {
      checks += 1;
      return refuse("bad")(merged);
    };
    const merges = Array.from({ length: 100 }, (_, n) => store.merge(endpointId, id, add(n % 10 < 9 ? `bad${n}` : `n${n}`), { check }));
    const results = await Promise.allSettled(merges);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(checks).toBeLessThan(300);
  });

  it("[R10] [E6] do not delay those without", async () => {
    const id = await create();
    let pass = () => {};
    const checking = new Promise<void>((resolve) => {
      pass = resolve;
    });
    const checked = store.merge(endpointId, id, add("checked"), { check: () => checking });
    const plain = await store.merge(endpointId, id, add("plain"));
    expect(toChange(plain).record.data).toBe('{"plain":true}');
    pass();
    expect(toChange(await checked).record.data).toBe('{"plain":true,"checked":true}');
    await world.expectSound(endpointId);
  });
});

describe("merges on two servers", () => {
  type Operation = { server: number; kind: "merge" | "checked" | "refused" | "conditional" | "replace" | "delete" | "own"; tick: number };
  const operation = fc.record<Operation>({
    server: fc.integer({ min: 0, max: 1 }),
    kind: fc.oneof(
      { weight: 12, arbitrary: fc.constant("merge" as const) },
      { weight: 3, arbitrary: fc.constantFrom("checked" as const, "conditional" as const, "own" as const) },
      { weight: 2, arbitrary: fc.constantFrom("refused" as const, "replace" as const) },
      { weight: 1, arbitrary: fc.constant("delete" as const) },
    ),
    tick: fc.integer({ min: 0, max: 6 }),
  });

  it("[R4] [R7] [W4] each acknowledged write is in the log once, as answered, and made from the state before it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 70 }), async (operations) => {
        endpointId = (await world.createEndpoint()).id;
        const owner = createUniqueId();
        const id = await create("{}", owner);
        const servers = [store, createRecordStore({ ...world, queue: createEndpointQueue() })];
        const run = async ({ server, kind, tick }: Operation, n: number) => {
          for (let passed = 0; passed < tick; passed++) await new Promise(setImmediate);
          const use = servers[server] ?? store;
          const name = `n${n}`;
          switch (kind) {
            case "merge":
              return use.merge(endpointId, id, add(name));
            case "own":
              return use.merge(endpointId, id, add(name), { onlyOwner: n % 3 === 0 ? createUniqueId() : owner });
            case "checked":
              return use.merge(endpointId, id, add(name), { check: async () => undefined });
            case "refused":
              return use.merge(endpointId, id, () => Promise.reject(new AppError("merge_needs_objects")));
            case "conditional":
              return use.merge(endpointId, id, add(name), { expectedVersion: Math.max(1, n - 2) });
            case "replace":
              return (await use.commit(endpointId, [{ type: "PUT", id, contentType: "json", data: `{"${name}":true}` }]))[0];
            case "delete":
              return (await use.commit(endpointId, [{ type: "DELETE", id, expectedVersion: Math.max(1, n - 2) }]))[0];
          }
        };
        const results = await Promise.allSettled(operations.map(run));
        const log = await world.expectSound(endpointId);
        const states = log.map(({ data }) => Object.keys(JSON.parse(data) as object));
        let done = 0;
        for (const [n, settled] of results.entries()) {
          const kind = operations[n]?.kind;
          if (settled.status === "rejected") {
            // A refusal is only seen if the record still existed.
            expect([kind, settled.reason]).toMatchObject(["refused", { code: "merge_needs_objects" }]);
            continue;
          }
          const result = settled.value;
          if (result?.outcome !== "ok") {
            const allowed = { conditional: "version_conflict", delete: "version_conflict", own: "access_denied" };
            expect(["record_not_found", kind !== undefined && kind in allowed ? allowed[kind as keyof typeof allowed] : ""]).toContain(
              result?.outcome,
            );
            continue;
          }
          done += 1;
          const { seq, type, record } = result.change;
          expect(log[seq - 1]).toEqual({ seq, type, id, data: record.data, version: record.version });
          if (type === "DELETE") continue;
          const before = kind === "replace" ? [] : (states[seq - 2] ?? []);
          expect(states[seq - 1]).toEqual([...before, `n${n}`]);
          if (kind === "conditional") expect(record.version).toBe(Math.max(1, n - 2) + 1);
        }
        expect(log).toHaveLength(done + 1);
      }),
      { numRuns: 25 },
    );
  });
});
