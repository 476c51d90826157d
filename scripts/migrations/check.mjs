/**
 * Checks that the migrations result in the tables of prisma/schema.prisma. If they do not, the exit code is 2, and the SQL for a new
 * migration is on standard output. Run it with tsx: it starts a temporary PostgreSQL from the sources.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { startEmbeddedPostgres } from "../../src/db/embedded/postgres.ts";
import { diffMigrations } from "./schema-engine.mjs";

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: console.error };

const dir = fs.mkdtempSync(path.join(os.tmpdir(), `rested-test-${process.pid}-`));
const postgres = await startEmbeddedPostgres({ dir, log, durable: false });
try {
  const { host, port, superuser, database } = postgres;
  const { isEqual, sql } = await diffMigrations({
    connection: { host, port, ...superuser, database },
    schemaPath: "prisma/schema.prisma",
    migrationsDir: "prisma/migrations",
  });
  if (isEqual) {
    console.log("The migrations match the schema.");
  } else {
    console.error("The migrations do not match prisma/schema.prisma. Add a migration with:\n");
    console.log(sql);
    process.exitCode = 2;
  }
} finally {
  await postgres.stop();
  fs.rmSync(dir, { recursive: true, force: true });
}
