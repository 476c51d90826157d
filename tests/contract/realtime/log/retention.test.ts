/** Tests which part of the log is kept, and clients that resume from a deleted part (W10). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Retention, sweepChanges } from "@/src/db/records/change-retention";
import { formatCursor } from "@/src/shared/streams/cursor";
import { readCursor } from "@/tests/support/clients/read-cursor";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
let epoch: string;

beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const sweep = (retention: Partial<Retention> = {}) =>
  sweepChanges({ db: server.db, retention: { hours: 24, changesMax: 1_000_000, ...retention } });

/** Creates an endpoint with a number of changes, whose records contain 1, 2, 3, …. */
async function seedWith(count: number): Promise<Seed> {
  const seed = await server.seed();
  const body = JSON.stringify(Array.from({ length: count }, (_, index) => index + 1));
  const headers = { "Content-Type": "application/json" };
  expect((await fetch(`${server.httpOrigin}${seed.path}&bulk=true`, { method: "POST", headers, body })).status).toBe(201);
  epoch = (await server.changes.positions([seed.endpointId])).get(seed.endpointId)?.epoch ?? "";
  return seed;
}

async function keptOf({ endpointId }: Seed): Promise<number[]> {
  const { rows } = await server.pool.query<{ seq: string }>(`SELECT seq FROM "Change" WHERE "endpointId" = $1 ORDER BY seq`, [endpointId]);
  return rows.map(({ seq }) => Number(seq));
}

/** Sets the age of the changes up to and including `seq`. */
const age = ({ endpointId }: Seed, seq: number, hours: number) =>
  server.pool.query(`UPDATE "Change" SET at = now() - make_interval(hours => $3) WHERE "endpointId" = $1 AND seq <= $2`, [
    endpointId,
    seq,
    hours,
  ]);

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const cursor = (seq: number) => formatCursor({ epoch, seq });

describe("the sweep", () => {
  it("[W10] deletes the changes of every endpoint that are too old, and nothing else", async () => {
    const [some, none, all] = [await seedWith(10), await seedWith(10), await seedWith(3)];
    await age(some, 4, 25);
    await age(none, 10, 23);
    await age(all, 3, 25);
    await sweep();
    expect([await keptOf(some), await keptOf(none), await keptOf(all)]).toEqual([range(5, 10), range(1, 10), []]);
    expect(await (await fetch(`${server.httpOrigin}${all.path}&dataOnly=true`)).json()).toEqual([1, 2, 3]);
  });

  it("[W10] keeps the newest changes of each endpoint up to the maximum", async () => {
    const [many, few] = [await seedWith(5_000), await seedWith(7)];
    await sweep({ changesMax: 100 });
    expect([await keptOf(many), await keptOf(few)]).toEqual([range(4_901, 5_000), range(1, 7)]);
    await sweep({ changesMax: 100 });
    expect(await keptOf(many)).toHaveLength(100);
  });

  it("[W26] keeps the identity of the last deleted change after any number of batches, and deletes it with the endpoint", async () => {
    const seed = await seedWith(5_000);
    const before = await readCursor(server.changes, seed.endpointId, 4_900);
    await sweep({ changesMax: 100 });
    expect(await readCursor(server.changes, seed.endpointId, 4_900)).toBe(before);
    await server.db.endpoint.delete({ where: { id: seed.endpointId } });
    expect(await server.db.expiredChange.count({ where: { endpointId: seed.endpointId } })).toBe(0);
  });

  it("[W10] can run on several servers at once, and during writes, whose numbers continue", async () => {
    const seed = await seedWith(4_500);
    const writing = Promise.all(range(1, 20).map((n) => server.post(seed, n)));
    await Promise.all([sweep({ changesMax: 200 }), sweep({ changesMax: 200 }), sweep({ changesMax: 200 })]);
    await writing;
    await sweep({ changesMax: 200 });
    expect(await keptOf(seed)).toEqual(range(4_321, 4_520));
  });
});

describe("a client that resumes too late", () => {
  it("[W10] receives a GAP for the expired changes, then the kept changes, then live ones", async () => {
    const seed = await seedWith(10);
    await age(seed, 6, 25);
    await sweep();
    const client = await server.connect(`${seed.path}&since=${cursor(2)}`);
    await client.take(6);
    await server.post(seed, "new");
    const [ready, gap, ...changes] = await client.take(7);
    expect(ready).toEqual({ type: "READY", cursor: cursor(2) });
    expect(gap).toEqual({ type: "GAP", from: cursor(2), to: cursor(6), reason: "expired", cursor: cursor(6) });
    expect(changes.map(({ record }) => record?.data)).toEqual([7, 8, 9, 10, "new"]);
  });

  it("[W10] receives a GAP if nothing is kept at all", async () => {
    const seed = await seedWith(5);
    await age(seed, 5, 25);
    await sweep();
    const client = await server.connect(`${seed.path}&since=${cursor(1)}`);
    await client.take(2);
    await server.post(seed, "new");
    const [, gap, change] = await client.take(3);
    expect(gap).toMatchObject({
      type: "GAP",
      from: cursor(1),
      to: await readCursor(server.changes, seed.endpointId, 5),
      reason: "expired",
    });
    expect(change).toMatchObject({ type: "POST", record: { data: "new" }, cursor: await readCursor(server.changes, seed.endpointId, 6) });
  });

  it("[W10] receives no GAP when it lacks nothing, or is live while the log is swept", async () => {
    const seed = await seedWith(5);
    await age(seed, 4, 25);
    const live = await server.connect(`${seed.path}&since=now`);
    await live.take(1);
    await sweep();
    const resumed = await server.connect(`${seed.path}&since=${cursor(4)}`);
    await resumed.take(2);
    await server.post(seed, "new");
    expect((await live.take(2)).map(({ type }) => type)).toEqual(["READY", "POST"]);
    expect((await resumed.take(3)).map(({ type }) => type)).toEqual(["READY", "POST", "POST"]);
  });

  it("[W10] [W26] receives no GAP when it is up to date and nothing is kept at all, and when there were changes since", async () => {
    const seed = await seedWith(5);
    const first = await server.connect(`${seed.path}&since=now`);
    const { cursor: at } = await first.at(0);
    await first.close();
    await sweep({ hours: 0 });
    expect(await keptOf(seed)).toEqual([]);
    const second = await server.connect(`${seed.path}&since=now`);
    expect((await second.at(0)).cursor).toBe(at);
    const client = await server.connect(`${seed.path}&since=${at}`);
    await client.at(0);
    await server.post(seed, "new");
    expect((await client.take(2)).map(({ type, cursor }) => [type, cursor])).toEqual([
      ["READY", at],
      ["POST", await readCursor(server.changes, seed.endpointId, 6)],
    ]);
    const late = await server.connect(`${seed.path}&since=${at}`);
    expect((await late.take(2)).map(({ type }) => type)).toEqual(["READY", "POST"]);
  });
});
