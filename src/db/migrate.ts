/** Migrates a database to this release's schema. It applies and records migrations as `prisma migrate deploy` does; both can be used. */
import { createHash, randomUUID } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import type { Log } from "@/src/core/log";
import { isContention } from "@/src/db/errors";

/** The advisory lock of Prisma's own command, so that the two exclude each other. */
const LOCK_ID = 72_707_369;
const SERVER_VERSION_MIN = 140_000;
/** How often one migration is tried again after a deadlock with running servers. */
const DEADLOCKS_MAX = 10;
const DEADLOCK_DELAY_MAX_MS = 1_000;
/**
 * Every writer locks an endpoint's row before anything that a migration changes. A migration that locked another table first would deadlock with
 * them.
 */
const LOCK_WRITERS_OUT = `DO $$ BEGIN
  IF to_regclass('"Endpoint"') IS NOT NULL THEN
    LOCK TABLE "Endpoint" IN ACCESS EXCLUSIVE MODE;
  END IF;
END $$`;

/**
 * A migration that builds an index while servers write, which PostgreSQL refuses in a transaction. It has no other statement, so that `prisma migrate deploy` can
 * apply it too.
 */
const CONCURRENT_INDEX = /^\s*CREATE INDEX CONCURRENTLY "(\w+)" ON [^;]+;\s*$/;
const COMMENTS = /^--.*$/gm;
const LOCK_POLL_MS = 200;

const CREATE_TABLE = `
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id"                  VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum"            VARCHAR(64) NOT NULL,
  "finished_at"         TIMESTAMPTZ,
  "migration_name"      VARCHAR(255) NOT NULL,
  "logs"                TEXT,
  "rolled_back_at"      TIMESTAMPTZ,
  "started_at"          TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/**
 * Applies the pending migrations of `dir` (`<name>/migration.sql`, in the order of their names), each in a transaction or as one statement, and returns their names.
 * Nodes that start together run one after the other, and running servers wait. Throws, without changing anything, if the database is not Rested's, is
 * older than PostgreSQL 14, or its recorded migrations differ from those of this release.
 */
export async function migrate(options: { pool: pg.Pool; dir: string; log: Log }): Promise<string[]> {
  const { pool, dir, log } = options;
  const migrations = await readMigrations(dir);
  const client = await pool.connect();
  try {
    await checkServer(client, log);
    // Migrating a large database can take minutes, and so can waiting for another node that does.
    await client.query("SET lock_timeout TO 0; SET statement_timeout TO 0");
    await lock(client, log);
    const applied: string[] = [];
    for (const migration of await findPending(client, migrations)) {
      log.info({ migration: migration.name }, "applying a database migration");
      await retryDeadlocks(
        () => apply(client, migration),
        () => log.warn({ migration: migration.name }, "a migration lost a lock conflict with a writer, and is retried"),
      );
      applied.push(migration.name);
    }
    return applied;
  } finally {
    // The connection has changed settings, so it is closed instead of reused. This also releases the lock.
    client.release(true);
  }
}

async function readMigrations(dir: string): Promise<Migration[]> {
  const entries = await fs.readdir(dir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const content = await fs.readFile(path.join(dir, name, "migration.sql"));
      return { name, sql: content.toString("utf8"), checksum: createHash("sha256").update(content).digest("hex") };
    }),
  );
}

async function checkServer(client: pg.PoolClient, log: Log): Promise<void> {
  const { rows } = await client.query<{ version: string; number: string; role: string; isSuperuser: boolean }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
       current_user::text AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS "isSuperuser"`,
  );
  const [server] = rows;
  if (server?.isSuperuser) {
    log.warn(
      { role: server.role },
      "the server uses the database as a superuser: set DATABASE_URL to an ordinary role that owns the database",
    );
  }
  if (server && Number(server.number) >= SERVER_VERSION_MIN) return;
  throw new Error(
    `The database is PostgreSQL ${server?.version}; Rested needs 14 or newer. Upgrade it, or point DATABASE_URL to a newer one.`,
  );
}

async function lock(client: pg.PoolClient, log: Log): Promise<void> {
  const tryLock = async () => {
    const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1) AS locked", [LOCK_ID]);
    return rows[0]?.locked === true;
  };
  if (await tryLock()) return;
  log.info({}, "waiting for another process to migrate the database");
  // Not pg_advisory_lock: the other process would in turn wait for this statement to end before it completes an index.
  do await delay(LOCK_POLL_MS);
  while (!(await tryLock()));
}

/** Compares the recorded migrations with the files and returns the pending ones. */
async function findPending(client: pg.PoolClient, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows: state } = await client.query<{ recorded: boolean; tables: string }>(
    `SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS recorded,
       (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()) AS tables`,
  );
  if (!state[0]?.recorded) {
    if (Number(state[0]?.tables) > 0) {
      throw new Error(
        "The database has tables that Rested did not create. Point DATABASE_URL to an empty database, or to one that Rested created.",
      );
    }
    await client.query(CREATE_TABLE);
    return [...migrations];
  }
  const { rows } = await client.query<Applied>(
    'SELECT "migration_name", "checksum", "finished_at" FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL ORDER BY "started_at"',
  );
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of rows) check(row, known.get(row.migration_name));
  const applied = new Set(rows.map((row) => row.migration_name));
  return migrations.filter((migration) => !applied.has(migration.name));
}

function check(row: Applied, migration: Migration | undefined): void {
  const name = row.migration_name;
  if (!migration) {
    throw new Error(`The database has the migration ${name} of a newer release. Start that release, or restore an earlier backup.`);
  }
  if (!row.finished_at) {
    throw new Error(
      `The migration ${name} failed halfway in this database. Restore an earlier backup, or repair the database by hand and mark the migration with "prisma migrate resolve".`,
    );
  }
  if (row.checksum !== migration.checksum) {
    throw new Error(
      `The file of the migration ${name} has changed since it was applied to this database. Restore the released file, and make changes in a new migration.`,
    );
  }
}

/** A server of the previous release may be running. After a deadlock with it, nothing of the migration was applied. */
async function retryDeadlocks(work: () => Promise<void>, onRetry: () => void): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === DEADLOCKS_MAX || !(error instanceof Error) || !isContention(error.cause)) throw error;
      onRetry();
      await delay(Math.random() * DEADLOCK_DELAY_MAX_MS);
    }
  }
}

/** Applies it, and records it. */
async function applyStatements(client: pg.PoolClient, { sql, checksum, name }: Migration): Promise<void> {
  const startedAt = await client.query<{ now: string }>("SELECT clock_timestamp()::text AS now");
  await client.query(sql);
  await client.query(
    `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "started_at", "finished_at", "applied_steps_count")
     VALUES ($1, $2, $3, $4, clock_timestamp(), 1)`,
    [randomUUID(), checksum, name, startedAt.rows[0]?.now],
  );
}

/** Builds the index of a migration while servers write. An index that an interrupted try has left is built again. */
async function applyConcurrently(client: pg.PoolClient, migration: Migration, index: string): Promise<void> {
  try {
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS "${index}"`);
    await applyStatements(client, migration);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The migration ${migration.name} failed: ${reason}. The next start tries it again.`, { cause: error });
  }
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  const index = CONCURRENT_INDEX.exec(migration.sql.replace(COMMENTS, ""))?.[1];
  if (index !== undefined) return applyConcurrently(client, migration, index);
  await client.query("BEGIN");
  try {
    await client.query(LOCK_WRITERS_OUT);
    await applyStatements(client, migration);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The migration ${migration.name} failed: ${reason}. Nothing of it was applied.`, { cause: error });
  }
}
