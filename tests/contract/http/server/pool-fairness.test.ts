/** Tests that all writers waiting for one endpoint's row, of any kind, use one connection and do not affect other projects (E4, E6). */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type DataServerOptions, type Seed } from "@/tests/support/servers/data-server";
import { until } from "@/tests/support/until";

/** Longer than any limit of a wait. */
const SHORT = { lockTimeoutMs: 500, writeWaitMsMax: 2_000 };
/** Shorter than any limit of a wait. */
const LONG = { lockTimeoutMs: 60_000, writeWaitMsMax: 60_000 };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(options: DataServerOptions): Promise<DataServer> {
  const server = await createDataServer({ bodyTimeoutMs: 60_000, ...options });
  cleanUps.push(() => server.close());
  return server;
}

interface Scene {
  server: DataServer;
  /** The endpoint whose rows are locked. */
  things: Seed;
  people: Seed;
  neighbour: Seed;
  /** A record of `things`. */
  recordId: string;
  holder: pg.Client;
}

async function stage(server: DataServer): Promise<Scene> {
  const things = await server.seed({ endpointName: "held/things" });
  const people = await server.seed({ endpointName: "held/people", kind: "authentication" });
  const neighbour = await server.seed({ endpointName: "other/things" });
  const recordId = await post(server, things);
  await post(server, neighbour);
  const holder = new pg.Client({ connectionString: server.database.url });
  await holder.connect();
  cleanUps.push(() => holder.end());
  await holder.query("BEGIN");
  await holder.query(`SELECT 1 FROM "Endpoint" WHERE id = ANY ($1::uuid[]) FOR NO KEY UPDATE`, [[things.endpointId, people.endpointId]]);
  return { server, things, people, neighbour, recordId, holder };
}

const JSON_TYPE = { "Content-Type": "application/json" };

async function post(server: DataServer, seed: Seed): Promise<string> {
  const answer = await fetch(`${server.origin}${seed.path}`, { method: "POST", headers: JSON_TYPE, body: "{}" });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { uniqueId: string }).uniqueId;
}

/** `count` requests of each kind, all at once. */
function flood({ server, things, people, recordId }: Scene, count: number): { kind: string; answer: Promise<Response> }[] {
  const send = (seed: Seed, init: RequestInit, query = "") => fetch(`${server.origin}${seed.path}${query}`, init);
  const keyed = () => ({ method: "POST", headers: { ...JSON_TYPE, "Idempotency-Key": randomUUID() }, body: `{"kind":"keyed"}` });
  const kinds: Record<string, () => Promise<Response>> = {
    keyed: () => send(things, keyed()),
    upload: () => send(things, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body: toForm([filePart("bytes")]) }),
    plain: () => send(things, { method: "POST", headers: JSON_TYPE, body: `{"kind":"plain"}` }),
    merge: () =>
      send(things, { method: "PUT", headers: JSON_TYPE, body: `{"m${randomUUID()}":1}` }, `&uniqueId=${recordId}&strategy=merge`),
    registration: () =>
      send(people, { method: "POST", headers: JSON_TYPE, body: `{"username":"u${randomUUID()}","password":"correct horse battery"}` }),
  };
  return Object.entries(kinds).flatMap(([kind, ask]) => Array.from({ length: count }, () => ({ kind, answer: ask() })));
}

/** Connections of the servers that wait for a lock. */
async function countWaiting({ server }: Scene): Promise<number> {
  const { rows } = await server.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? -1;
}

async function expectUnharmed({ server, neighbour }: Scene): Promise<void> {
  for (let n = 0; n < 10; n += 1) {
    const list = await fetch(`${server.origin}${neighbour.path}`);
    expect(list.status).toBe(200);
    await list.text();
    await post(server, neighbour);
    expect(await server.lanes.isUp()).toBe(true);
  }
}

describe("an endpoint's locked row", () => {
  it("[E4] [E6] uses one connection for all waiting writers of any kind; others and health continue; then it is server_busy and nothing is stored", async () => {
    const scene = await stage(await start({ waits: SHORT }));
    const { server, things, people } = scene;
    const before = [await server.count(things), await server.count(people)];
    const requests = flood(scene, 50);
    await until("many to wait for their turn", () => server.lanes.endpointQueue.waiting >= 50);
    let waitingMax = 0;
    const answered = Promise.all(requests.map(({ answer }) => answer));
    let done = false;
    const watched = answered.finally(() => {
      done = true;
    });
    await expectUnharmed(scene);
    await until("all to be answered", async () => {
      waitingMax = Math.max(waitingMax, await countWaiting(scene));
      return done;
    });
    // One for each of the two rows.
    expect(waitingMax).toBeLessThanOrEqual(2);
    for (const answer of await watched) {
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      await expectProblem(answer, "server_busy");
    }
    expect([await server.count(things), await server.count(people)]).toEqual(before);
    expect([server.lanes.endpointQueue.running, server.lanes.endpointQueue.waiting]).toEqual([0, 0]);
    await scene.holder.query("ROLLBACK");
    await post(server, things);
  });

  it("[E4] [R9] that is released in time lets everything succeed, exactly once", async () => {
    const scene = await stage(await start({ waits: LONG }));
    const { server, things, people, holder } = scene;
    // The limit of concurrent uploads of one key from one address (G24).
    const requests = flood(scene, 8);
    await until("many to wait for their turn", () => server.lanes.endpointQueue.waiting >= 16);
    await holder.query("ROLLBACK");
    const statuses = await Promise.all(requests.map(async ({ kind, answer }) => `${kind} ${(await answer).status}`));
    expect([...new Set(statuses)].sort()).toEqual(["keyed 201", "merge 200", "plain 201", "registration 201", "upload 201"]);
    // The existing record, and eight of each of three kinds. Merges change it.
    expect(await server.count(things)).toEqual({ records: 25, changes: 33 });
    expect(await server.count(people)).toEqual({ records: 8, changes: 8 });
  });

  it("[E4] uses one connection of each server", async () => {
    const first = await start({ waits: SHORT });
    const second = await start({ waits: SHORT, database: first.database });
    const scene = await stage(first);
    const requests = [...flood(scene, 10), ...flood({ ...scene, server: second }, 10)];
    const answered = Promise.all(requests.map(({ answer }) => answer));
    await until("both to have writers that wait", () => [first, second].every(({ lanes }) => lanes.endpointQueue.waiting >= 10));
    await until("all connections that will wait to wait", async () => (await countWaiting(scene)) >= 2);
    for (let n = 0; n < 20; n += 1) expect(await countWaiting(scene)).toBeLessThanOrEqual(4);
    await expectUnharmed({ ...scene, server: second });
    for (const answer of await answered) await expectProblem(answer, "server_busy");
  });
});
