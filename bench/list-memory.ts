/**
 * Measures a list of a million records (about 200 MB), and many such lists at once: the server's memory over idle, the time to the
 * first byte, and the throughput. The server is a separate process, with the built-in PostgreSQL.
 * Run: npm run bench -- list-memory [records=1000000]
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http, { type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { parseConfig } from "@/src/config/config";
import { createPool } from "@/src/db/client";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { migrate } from "@/src/db/migrate";
import { boot } from "@/src/runtime/boot";
import { createLog } from "@/src/runtime/log";

const SAMPLE_MS = 10;
const MB = 1024 * 1024;

const [argument = "1000000"] = process.argv.slice(2);
if (process.send) await serve(argument);
else await measure(Number(argument));

/** The child process: the data plane, as the server composes it. Sends its port, and on each request its present memory and the peak since the last one. */
async function serve(databaseUrl: string): Promise<void> {
  const booted = await boot(parseConfig({ NODE_ENV: "production", DATABASE_URL: databaseUrl, LOG_LEVEL: "warn", RESTED_RATE_LIMIT: "0" }));
  const server = http.createServer((request, response) => booted.dataPlane(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let peak = 0;
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, SAMPLE_MS);
  process.on("message", () => {
    process.send?.({ rss: process.memoryUsage.rss(), peak });
    peak = 0;
  });
  process.once("disconnect", () => process.exit());
  process.send?.({ port: (server.address() as AddressInfo).port });
}

async function measure(count: number): Promise<void> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  const log = createLog({ logLevel: "warn" });
  const postgres = await startEmbeddedPostgres({ dir, log });
  const pool = createPool({ url: postgres.url, log });
  let child: ChildProcess | undefined;
  try {
    await migrate({ pool, dir: path.resolve("prisma/migrations"), log });
    const target = await fill(pool, count);
    child = fork(process.argv[1] ?? "", [postgres.url], { execArgv: process.execArgv });
    const { port } = await ask(child);
    const url = `http://127.0.0.1:${port ?? 0}${target}`;
    // Loads code and fills the caches and the pool, as in any server in use.
    for (let n = 0; n < 200; n++) await drain(`${url}&limit=10`);
    await delay(2_000);
    const idle = await memory(child);
    console.log(`idle: ${toMb(idle.rss)} MB`);
    for (const [name, lists, query] of [
      ["one list", 1, ""],
      ["one list, again", 1, ""],
      ["one list, dataOnly", 1, "&dataOnly=true"],
      ["one list, newest first", 1, "&order=desc"],
      ["ten lists at once", 10, ""],
    ] as const) {
      await memory(child);
      const startedAt = performance.now();
      const results = await Promise.all(Array.from({ length: lists }, () => drain(url + query)));
      const seconds = (performance.now() - startedAt) / 1_000;
      const { peak } = await memory(child);
      const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
      const first = Math.max(...results.map(({ firstByteMs }) => firstByteMs));
      console.log(
        `${name.padEnd(24)} ${toMb(bytes)} MB in ${seconds.toFixed(1)} s, ${toMb(bytes / seconds)} MB/s; first byte ${first.toFixed(0)} ms; ${toMb(peak - idle.rss)} MB over idle`,
      );
    }
    const slow = await drain(url, { stopAfterBytes: 1 });
    await delay(3_000);
    console.log(`a client that stopped reading: ${toMb((await memory(child)).peak - idle.rss)} MB over idle`);
    slow.response.destroy();
  } finally {
    child?.disconnect();
    await pool.end();
    await postgres.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Stores `count` records of about 200 bytes each at one endpoint, and returns its path. */
async function fill(pool: pg.Pool, count: number): Promise<string> {
  const key = randomBytes(16).toString("hex");
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    // As record_commit writes them, but without a log.
    await client.query("SELECT set_config('rested.logged_by_commit', 'on', true)");
    await client.query(
      `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), 'bench@example.com', 'bench') RETURNING id),
            p AS (INSERT INTO "Project" (id, "ownerId", name) SELECT gen_random_uuid(), id, 'bench project' FROM u RETURNING id),
            k AS (INSERT INTO "ApiKey" (id, "projectId", name, key) SELECT gen_random_uuid(), id, 'key', $1 FROM p),
            e AS (INSERT INTO "Endpoint" (id, "projectId", name, seq) SELECT gen_random_uuid(), id, 'bench/list', $2 FROM p RETURNING id)
       INSERT INTO "Record" (id, "endpointId", seq, data)
       SELECT gen_random_uuid(), e.id, n, ('{"n":' || n || ',"note":"' || repeat('x', 60) || '"}')::json FROM e, generate_series(1, $2::int) AS n`,
      [key, count],
    );
    await client.query("COMMIT");
    await client.query(`VACUUM ANALYZE "Record"`);
  } finally {
    client.release();
  }
  return `/api/1/ce/bench/list?key=${key}`;
}

interface Drained {
  bytes: number;
  firstByteMs: number;
  response: IncomingMessage;
}

/** Reads a response to its end, and throws if it is incomplete; or reads a part of it, and then stops reading. */
async function drain(url: string, { stopAfterBytes = Number.POSITIVE_INFINITY } = {}): Promise<Drained> {
  const startedAt = performance.now();
  const request = http.get(url, { agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let bytes = 0;
  let firstByteMs = 0;
  let last = 0;
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} for ${url}`);
  for await (const chunk of response.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (bytes === 0) firstByteMs = performance.now() - startedAt;
    bytes += chunk.byteLength;
    last = chunk.at(-1) ?? last;
    if (bytes >= stopAfterBytes) return { bytes, firstByteMs, response };
  }
  if (!response.complete || last !== 0x5d) throw new Error("The list is not whole.");
  return { bytes, firstByteMs, response };
}

interface Report {
  port?: number;
  rss?: number;
  peak?: number;
}

async function ask(child: ChildProcess): Promise<Report> {
  const [reply] = (await once(child, "message")) as [Report];
  return reply;
}

async function memory(child: ChildProcess): Promise<{ rss: number; peak: number }> {
  const reply = ask(child);
  child.send("memory");
  const { rss = 0, peak = 0 } = await reply;
  return { rss, peak };
}

function toMb(bytes: number): string {
  return Math.round(bytes / MB).toLocaleString("en");
}
