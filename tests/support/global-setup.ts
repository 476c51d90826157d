/** Starts the temporary PostgreSQL of a test run with a migrated template database, and stops it at the end. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import type { Log } from "@/src/core/log";
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { migrate } from "@/src/db/migrate";

/** The server on which `createTestDatabase` creates databases. */
export interface TestServer {
  host: string;
  port: number;
  /** The role of the servers under test. It owns their databases. */
  user: string;
  password: string;
  superuser: { user: string; password: string };
  template: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    postgres: TestServer;
  }
}

const FOLDER_PREFIX = "rested-test-";

const log: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (context, message) => console.warn(message, context),
  error: (context, message) => console.error(message, context),
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeLeftovers();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  const server = await startEmbeddedPostgres({ dir, log, durable: false });
  const { host, port, user, password, superuser, database: template } = server;
  const pool = new pg.Pool({ host, port, user, password, database: template });
  await migrate({ pool, dir: path.resolve("prisma/migrations"), log });
  await pool.end();
  project.provide("postgres", { host, port, user, password, superuser: { ...superuser }, template });
  return async () => {
    await server.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  };
}

/** Removes the folders of runs that were killed. */
function removeLeftovers(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = Number(new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1]);
    if (pid && !fs.existsSync(`/proc/${pid}`) && process.platform === "linux") {
      fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
    }
  }
}
