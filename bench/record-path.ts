/**
 * Measures the record path: writes by record commits, one at a time and in batches, plain Prisma writes, and reads. Prints
 * operations per second, and the processor time of this process and of PostgreSQL's backends for each (the latter on Linux, if the server runs here).
 * Run: npm run bench -- record-path [seconds per case=4] [only cases whose name contains this text]. With DATABASE_URL it uses a new database on that
 * server, otherwise the built-in PostgreSQL.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import type { Log } from "@/src/core/log";
import { createUniqueId } from "@/src/core/records/unique-id";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { createLanes } from "@/src/db/lanes";
import { migrate } from "@/src/db/migrate";
import { createRecordStore } from "@/src/db/records/record-store";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { toPercentiles } from "./load/percentiles";
import { readProcessesCpuSeconds } from "./load/process-tree";

const CONCURRENCY = 50;
const BATCH = 64;
const DATA = JSON.stringify({ name: "a sensor", values: [20.5, 21.25, 19.75], note: "x".repeat(140) });

const log: Log = { debug: () => undefined, info: () => undefined, warn: console.warn, error: console.error };
const seconds = Number(process.argv[2] ?? 4);
const only = process.argv[3] ?? "";
const server = await findServer();
const lanes = createLanes({ url: server.url, notifications: createProcessNotifications(), log });
const { pools, writeDb: db, pageReads, endpointQueue: queue } = lanes;
await migrate({ pool: pools.management, dir: path.resolve(import.meta.dirname, "../prisma/migrations"), log });
const store = createRecordStore({ db, pool: pools.reads, pageReads, queue });
try {
  await runAll();
} finally {
  await lanes.end();
  await server.stop();
}

async function runAll(): Promise<void> {
  const post = () => ({ type: "POST" as const, id: createUniqueId(), contentType: "json" as const, data: DATA });
  const endpointId = await createEndpoint();
  const endpoints = await Promise.all(Array.from({ length: 10 }, createEndpoint));
  const listed = await createEndpoint();
  const writes = Array.from({ length: 50 }, post);
  await store.commit(listed, writes);
  const ids = writes.map(({ id }) => id);

  const single = await measure("record commit, one write", CONCURRENCY, 1, () => db.record.commit(endpointId, [post()]));
  const grouped = await measure("record commit, one write, group commit", CONCURRENCY, 1, () => store.commit(endpointId, [post()]));
  const tenEndpoints = await measure("record commit, one write, group commit, 10 endpoints", CONCURRENCY, 1, (n) =>
    store.commit(endpoints[n % 10] ?? endpointId, [post()]),
  );
  const batch = await measure(`record commit, batches of ${BATCH}`, 1, BATCH, () =>
    store.commit(endpointId, Array.from({ length: BATCH }, post)),
  );
  const batchPairs = await measure(`record commit, batches of ${BATCH}, two at a time`, 2, BATCH, (n) =>
    store.commit(endpoints[n % 10] ?? endpointId, Array.from({ length: BATCH }, post)),
  );
  const bulk = await measure("record commit, bulk of 200", 50, 200, () => store.commit(endpointId, Array.from({ length: 200 }, post)));
  const alone = await measure("record commit, one write, alone", 1, 1, () => store.commit(endpointId, [post()]));
  const plain = await measure("record.create", CONCURRENCY, 1, () => db.record.create({ data: { endpointId, data: JSON.parse(DATA) } }));
  const puts = await measure("record commit, one replacement, group commit", CONCURRENCY, 1, (n) =>
    store.commit(listed, [{ type: "PUT", id: ids[n % 50] ?? "", contentType: "json", data: DATA }]),
  );
  const mixed = await measure("record commit, two creates and a deletion, group commit", CONCURRENCY, 3, () => {
    const first = post();
    return store.commit(listed, [first, post(), { type: "DELETE", id: first.id }]);
  });
  const merges = await measure("merge", CONCURRENCY, 1, (n) => store.merge(listed, ids[n % 50] ?? "", ({ data }) => data));
  const hotMerges = await measure("merge, one record", CONCURRENCY, 1, () => store.merge(listed, ids[0] ?? "", ({ data }) => data));
  // Not `listed`, whose records have thousands of dead versions by now.
  const unchanged = await createEndpoint();
  const unchangedWrites = Array.from({ length: 50 }, post);
  await store.commit(unchanged, unchangedWrites);
  const unchangedIds = unchangedWrites.map(({ id }) => id);
  const readOne = await measure("read one", CONCURRENCY, 1, (n) => store.readOne(unchanged, unchangedIds[n % 50] ?? ""));
  await measure("list 50, the same", CONCURRENCY, 1, () => store.readStart(unchanged, { dataOnly: false }));
  await measure("list 50 to 1, different", CONCURRENCY, 1, (n) => store.readStart(unchanged, { after: n % 50, dataOnly: false }));
  const list = await measure("list 50, in pieces", CONCURRENCY, 1, async () => {
    for await (const _ of store.readAll(unchanged, { dataOnly: false }));
  });
  const find = await measure("findMany 50", CONCURRENCY, 1, () => db.record.findMany({ where: { endpointId: unchanged } }));

  console.log("");
  ratio("batches against one write at a time", batch, single);
  ratio("group commit against one write at a time", grouped, single);
  ratio("two batches at a time against one", batchPairs, batch);
  ratio("bulk of 200 against group commit", bulk, grouped);
  ratio("one at a time against group commit", alone, grouped);
  ratio("mixed writes against replacements", mixed, puts);
  ratio("ten endpoints against one", tenEndpoints, grouped);
  ratio("one record commit against record.create", single, plain);
  ratio("a replacement by record commit against a merge", puts, merges);
  ratio("merges of one record against merges of 50", hotMerges, merges);
  ratio("a list as text against findMany", list, find);
  ratio("read one against a create", readOne, grouped);
}

/** Runs `work` with `concurrency` callers, and returns the items per second. */
async function measure(name: string, concurrency: number, items: number, work: (n: number) => Promise<unknown>): Promise<number> {
  if (!name.includes(only)) return Number.NaN;
  for (let n = 0; n < 20; n++) await work(n);
  let count = 0;
  const times: number[] = [];
  const backendsBefore = await readBackendsMs();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const caller = async (): Promise<void> => {
    while (performance.now() - startedAt < seconds * 1_000) {
      const from = performance.now();
      await work(count++);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const elapsed = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const backendsMs = (await readBackendsMs()) - backendsBefore;
  const rate = (times.length * items) / elapsed;
  const micros = (cpu.user + cpu.system) / (times.length * items);
  const { p99 } = toPercentiles(times);
  console.log(
    `${name}, ${concurrency} at a time: ${Math.round(rate).toLocaleString("en")}/s, ${micros.toFixed(1)} µs of Node and ${((backendsMs * 1_000) / (times.length * items)).toFixed(1)} µs of PostgreSQL each, p99 ${p99.toFixed(1)} ms`,
  );
  return rate;
}

/** The processor time that the backends of this process have used, in milliseconds. 0 where /proc does not have it. */
async function readBackendsMs(): Promise<number> {
  const { rows } = await pools.health.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rested%'");
  return readProcessesCpuSeconds(rows.map(({ pid }) => pid)) * 1_000;
}

function ratio(name: string, a: number, b: number): void {
  if (Number.isNaN(a / b)) return;
  console.log(`${name}: ${(a / b).toFixed(2)}`);
}

async function createEndpoint(): Promise<string> {
  const suffix = createUniqueId();
  const owner = await db.user.create({ data: { email: `${suffix}@example.org`, name: "bench" } });
  const project = await db.project.create({ data: { name: "bench", ownerId: owner.id } });
  return (await db.endpoint.create({ data: { name: `bench/${suffix}`, projectId: project.id } })).id;
}

async function findServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  if (!process.env.DATABASE_URL) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
    const embedded = await startEmbeddedPostgres({ dir, log });
    return {
      url: embedded.url,
      stop: async () => {
        await embedded.stop();
        fs.rmSync(dir, { recursive: true, force: true });
      },
    };
  }
  const url = new URL(process.env.DATABASE_URL);
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  const database = `bench_${createUniqueId()}`;
  await admin.query(`CREATE DATABASE ${database}`);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    stop: async () => {
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
      await admin.end();
    },
  };
}
