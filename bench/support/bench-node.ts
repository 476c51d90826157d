/** A node as it runs in production, in a process of its own, on a built-in PostgreSQL: what benches of whole servers measure. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type pg from "pg";
import { createPool } from "@/src/db/client";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { migrate } from "@/src/db/migrate";
import { createCleanup } from "@/src/runtime/cleanup";
import { createLog } from "@/src/runtime/log";
import { bundleNode } from "@/tests/faults/deployment/bundled-node";
import { createNodeProcess, type NodeProcess } from "@/tests/faults/deployment/node-process";

export interface BenchNode {
  node: NodeProcess;
  /** Of an endpoint without records: `/api/1/ce/…?key=…`. */
  target: string;
  stop(): Promise<void>;
}

export const HOST = "127.0.0.1";

/** `execArgv`: options of Node's. */
export async function startBenchNode({ execArgv = [] }: { execArgv?: readonly string[] } = {}): Promise<BenchNode> {
  const cleanup = createCleanup();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-bench-"));
  cleanup.add(() => fs.rmSync(dir, { recursive: true, force: true }));
  try {
    const log = createLog({ logLevel: "warn" });
    const postgres = await startEmbeddedPostgres({ dir, log });
    cleanup.add(postgres.stop);
    const pool = createPool({ url: postgres.url, log });
    await migrate({ pool, dir: path.resolve("prisma/migrations"), log });
    const target = await seed(pool);
    await pool.end();
    const { script, remove } = await bundleNode();
    cleanup.add(remove);
    const env = {
      DATABASE_URL: postgres.url,
      RESTED_DATA_DIR: dir,
      RESTED_LOG_LEVEL: "warn",
      RESTED_RATE_LIMIT: "0",
      RESTED_STREAMS_PER_ADDRESS_MAX: "0",
    };
    const node = createNodeProcess({ script, host: HOST, env, logFile: path.join(dir, "node.log"), execArgv });
    cleanup.add(node.kill);
    await node.start();
    return { node, target, stop: cleanup.run };
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function seed(pool: pg.Pool): Promise<string> {
  const key = randomBytes(16).toString("hex");
  await pool.query(
    `WITH u AS (INSERT INTO "User" (id, email, name) VALUES (gen_random_uuid(), 'bench@example.com', 'bench') RETURNING id),
          p AS (INSERT INTO "Project" (id, "ownerId", name) SELECT gen_random_uuid(), id, 'bench project' FROM u RETURNING id),
          k AS (INSERT INTO "ApiKey" (id, "projectId", name, key) SELECT gen_random_uuid(), id, 'key', $1 FROM p)
     INSERT INTO "Endpoint" (id, "projectId", name) SELECT gen_random_uuid(), id, 'bench/stream' FROM p`,
    [key],
  );
  return `/api/1/ce/bench/stream?key=${key}`;
}
