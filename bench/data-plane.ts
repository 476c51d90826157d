/**
 * Load on the data plane over HTTP: creates with and without group commit, get by id, list of 50; PostgreSQL durable.
 * Needs wrk. Run: node --import tsx bench/data-plane.ts [seconds]
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { createAccess } from "@/src/core/access/access";
import { createTokens } from "@/src/core/access/access-tokens";
import { createRateGate } from "@/src/core/access/rate-limit-policy";
import { createDefinitions } from "@/src/core/access/resolved-endpoints";
import { createSignIns } from "@/src/core/access/sign-ins";
import { createFileTokens } from "@/src/core/files/tokens";
import { createHeldBytes } from "@/src/core/limits/held-bytes";
import { createRegistrationLimit } from "@/src/core/limits/registration-limit";
import type { RecordStore } from "@/src/core/records/ports";
import { createRecords } from "@/src/core/records/records";
import { createPasswordHasher } from "@/src/core/users/password-hasher";
import { createUsers } from "@/src/core/users/users";
import { createDb, createPool } from "@/src/db/client";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { migrate } from "@/src/db/migrate";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createRecordStore } from "@/src/db/records/record-store";
import { createDefinitionStore } from "@/src/db/stores/definitions";
import { createSignInStore } from "@/src/db/stores/sign-ins";
import { createTokenStore } from "@/src/db/stores/tokens";
import { createUserStore } from "@/src/db/stores/users";
import { createDataPlane } from "@/src/http/data-plane";
import { createDrain } from "@/src/http/server/drain";
import { createSlowClients } from "@/src/http/server/slow-clients";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import { createProcessRateLimiter } from "@/src/limits/rate-limiter";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createLog } from "@/src/runtime/log";
import { createSandbox } from "@/src/sandbox/sandbox";
import { createFilesFolder } from "@/tests/support/servers/files-folder";

const seconds = Number(process.argv[2] ?? 8);
const CONNECTIONS = 50;
const BODY = JSON.stringify({
  sensor: "kitchen",
  temperature: 21.5,
  humidity: 40,
  at: "2026-11-23T10:00:00Z",
  tags: ["a", "b"],
  nested: { x: 1 },
});

const dir = mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
const log = createLog({ logLevel: "warn" });
const postgres = await startEmbeddedPostgres({ dir, log });
const pool = createPool({ url: postgres.url, log });
await migrate({ pool, dir: "prisma/migrations", log });
const clock = { now: () => new Date() };
const db = createDb({ pool, notifications: createProcessNotifications({ log }), log });
const queue = createEndpointQueue();
const definitions = createDefinitions({ store: createDefinitionStore({ db, clock }), clock, log });
const tokens = createTokens({ store: createTokenStore({ db }), clock, log });
const sandbox = createSandbox({ timeoutMs: 1000, memoryBytesMax: 128 * 1024 * 1024, log });
const signIns = createSignIns({ store: createSignInStore({ db, clock }), log });
const fileTokens = createFileTokens({ secret: "the secret of a bench", clock });
const access = createAccess({ definitions, tokens, signIns, fileTokens, clock });
// Counted, but never refused.
const gate = createRateGate({ access, limiter: createProcessRateLimiter(), limit: 1_000_000_000 });

const grouped = createRecordStore({ db, pool, queue });
const single: RecordStore = { ...grouped, commit: (endpointId, writes) => db.record.commit(endpointId, writes) };

async function serve(store: RecordStore): Promise<{ origin: string; server: http.Server }> {
  const recordBytesMax = 1024 * 1024;
  const records = createRecords({ store, sandbox, recordBytesMax });
  const userStore = createUserStore({ db, queue });
  const limiter = createLoginLimiter();
  const users = createUsers({
    store: userStore,
    records,
    tokens,
    limiter,
    registrations: createRegistrationLimit({ limiter: createProcessRateLimiter(), perAddress: 0 }),
    passwords: createPasswordHasher(),
    sandbox,
    clock,
    accessTokenTtlMs: 60_000,
    recordBytesMax,
  });
  const { files } = await createFilesFolder({ db, queue, records: store, sandbox, log });
  const config = { bodyBytesMax: 1024 * 1024, bodyTimeoutMs: 30_000, uploadTimeoutMs: 30_000 };
  const held = createHeldBytes({ memoryBytes: 1024 ** 3, bodyBytesMax: config.bodyBytesMax });
  const slowClients = createSlowClients();
  const handle = createDataPlane({
    access,
    gate,
    records,
    users,
    files,
    fileTokens,
    sandbox,
    clock,
    held,
    slowClients,
    drain: createDrain(),
    config,
    log,
  });
  const server = http.createServer((request, response) => {
    slowClients.watchAnswer(request, response);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function seed(): Promise<string> {
  const key = randomBytes(16).toString("hex");
  const owner = await db.user.create({ data: { email: `${key}@example.com`, name: "bench" } });
  await db.project.create({
    data: {
      ownerId: owner.id,
      name: "bench project",
      keys: { create: { name: "key", key } },
      endpoints: { create: { name: "bench/things" } },
    },
  });
  return `/api/1/ce/bench/things?key=${key}`;
}

/** wrk in a process of its own; this one must stay free to serve, hence the shell's background job and the wait. */
async function load(url: string, script?: string): Promise<{ perSecond: number; p99: string }> {
  const { execFile } = await import("node:child_process");
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", ...(script ? ["-s", script] : []), url];
  const output = await new Promise<string>((resolve, reject) =>
    execFile("wrk", args, (error, stdout) => (error ? reject(error) : resolve(stdout))),
  );
  if (/Non-2xx/.test(output)) throw new Error(output);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]), p99: /^\s+99%\s+(\S+)/m.exec(output)?.[1] ?? "?" };
}

try {
  execFileSync("wrk", ["-v"], { stdio: "ignore" });
} catch (error) {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new Error("Install wrk first.");
}
const script = path.join(dir, "post.lua");
writeFileSync(script, `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = '${BODY}'\n`);

const groupedServer = await serve(grouped);
const singleServer = await serve(single);
try {
  await load(groupedServer.origin + (await seed()), script); // warm-up
  const results: Record<string, { perSecond: number; p99: string }> = {
    "create, each its own commit": await load(singleServer.origin + (await seed()), script),
    "create, group commit": await load(groupedServer.origin + (await seed()), script),
  };
  const few = await seed();
  let id = "";
  for (let n = 0; n < 50; n++) {
    const answer = await fetch(groupedServer.origin + few, { method: "POST", headers: { "Content-Type": "application/json" }, body: BODY });
    id = ((await answer.json()) as { uniqueId: string }).uniqueId;
  }
  results["get one by id"] = await load(`${groupedServer.origin}${few}&uniqueId=${id}`);
  results["list of 50"] = await load(groupedServer.origin + few);
  const base = results["create, each its own commit"]?.perSecond ?? 1;
  for (const [name, { perSecond, p99 }] of Object.entries(results)) {
    console.log(
      `${name.padEnd(28)} ${Math.round(perSecond).toString().padStart(7)}/s   p99 ${p99.padStart(9)}   ×${(perSecond / base).toFixed(2)}`,
    );
  }
} finally {
  groupedServer.server.close();
  groupedServer.server.closeAllConnections();
  singleServer.server.close();
  singleServer.server.closeAllConnections();
  await db.$disconnect();
  await sandbox.close();
  await pool.end();
  await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
}
