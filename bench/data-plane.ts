/**
 * Measures the data plane over HTTP: creating with and without group commit, reading one record, listing 50. PostgreSQL is durable.
 * Needs wrk. Run: npm run bench -- data-plane [seconds]
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { parseConfig } from "@/src/config/config";
import { createPasswordHasher } from "@/src/core/users/password-hasher";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { createLanes } from "@/src/db/lanes";
import { migrate } from "@/src/db/migrate";
import { createProcessRateLimiter } from "@/src/limits/rate-limiter";
import { createProcessNotifications } from "@/src/realtime/cluster/notifications";
import { createCleanup } from "@/src/runtime/cleanup";
import { composeNode } from "@/src/runtime/compose";
import { createLog } from "@/src/runtime/log";
import { createStores, type Stores } from "@/src/runtime/node/stores";
import { createDiskStorage } from "@/src/storage/disk";

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
const cleanup = createCleanup();
cleanup.add(() => rmSync(dir, { recursive: true, force: true }));
const postgres = await startEmbeddedPostgres({ dir, log });
cleanup.add(() => postgres.stop());
const notifications = createProcessNotifications({ log });
const lanes = createLanes({ url: postgres.url, notifications, log });
cleanup.add(() => lanes.end());
const { db, writeDb } = lanes;
await migrate({ pool: lanes.pools.management, dir: "prisma/migrations", log });
const clock = { now: () => new Date() };
// The limiter counts requests, but refuses none.
const config = { ...parseConfig({ NODE_ENV: "test" }), dataDir: dir, rateLimit: 1_000_000_000 };

const grouped = createStores({ lanes, clock });
const single: Stores = {
  ...grouped,
  records: { ...grouped.records, commit: (endpointId, writes) => writeDb.record.commit(endpointId, writes) },
};

async function serve(stores: Stores): Promise<{ origin: string }> {
  const { dataPlane, slowClients, closeStreams } = composeNode({
    ...{ config, lanes, stores, notifications, clock, log, cleanup },
    storage: createDiskStorage({ dir: path.join(dir, "files") }),
    limiter: createProcessRateLimiter(),
    passwords: createPasswordHasher(),
    secret: "the secret of a bench",
    memoryBytes: 1024 ** 3,
  });
  const server = http.createServer((request, response) => {
    slowClients.watchAnswer(request, response);
    dataPlane(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.add(async () => {
    server.close();
    server.closeAllConnections();
    await closeStreams(0);
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
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

/** Runs wrk as a background job of a shell, because this process must stay free to serve. */
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
  await cleanup.run();
}
