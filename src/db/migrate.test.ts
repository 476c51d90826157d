import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, describe, expect, inject, test } from "vitest";
import type { Log } from "@/src/core/log";
import { createPool } from "@/src/db/client";
import { migrate } from "@/src/db/migrate";
import { createTestDatabase } from "@/tests/support/servers/database";
import { until } from "@/tests/support/until";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openPool(options: { empty: boolean }): Promise<pg.Pool> {
  const database = await createTestDatabase(options);
  cleanups.push(database.drop);
  return connect(database.url);
}

function connect(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url });
  cleanups.push(() => pool.end());
  return pool;
}

/** A folder of migrations, from SQL by name. */
function makeFolder(migrations: Record<string, string>): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-migrations-"));
  cleanups.push(() => fs.rmSync(dir, { recursive: true }));
  fs.writeFileSync(path.join(dir, "migration_lock.toml"), 'provider = "postgresql"\n');
  for (const [name, sql] of Object.entries(migrations)) {
    fs.mkdirSync(path.join(dir, name));
    fs.writeFileSync(path.join(dir, name, "migration.sql"), sql);
  }
  return dir;
}

function createLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  return { lines, debug: note, info: note, warn: note, error: note };
}

const log = createLog();

const LIST = {
  "20260101000000_first": "CREATE TABLE a (id int);",
  "20260201000000_second": "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);",
};

describe("applies", () => {
  test("this release's migrations to an empty database, and nothing the second time", async () => {
    const pool = await openPool({ empty: true });
    const names = fs.readdirSync("prisma/migrations").filter((name) => !name.endsWith(".toml"));
    expect(await migrate({ pool, dir: "prisma/migrations", log })).toEqual(names.toSorted());
    expect(await migrate({ pool, dir: "prisma/migrations", log })).toEqual([]);
    expect((await pool.query('SELECT count(*)::int AS n FROM "Endpoint"')).rows).toEqual([{ n: 0 }]);
  });

  test("[E6] regardless of how long one takes or waits: the time limits of the pool's other statements do not apply", async () => {
    const database = await createTestDatabase({ empty: true });
    cleanups.push(database.drop);
    const pool = createPool({ url: database.url, log, statementTimeoutMs: 15_000, lockTimeoutMs: 3_000 });
    cleanups.push(() => pool.end());
    const limits = ["statement_timeout", "lock_timeout"];
    const columns = limits.map((limit) => `current_setting('${limit}') AS "${limit}"`).join(", ");
    await migrate({ pool, dir: makeFolder({ "20260101000000_first": `CREATE TABLE a AS SELECT ${columns};` }), log });
    expect((await pool.query("SELECT * FROM a")).rows).toEqual([Object.fromEntries(limits.map((limit) => [limit, "0"]))]);
    expect((await pool.query("SHOW statement_timeout")).rows).toEqual([{ statement_timeout: "15s" }]);
  });

  test("[E6] an index, while a transaction of another server writes, and nodes that start together wait for it", async () => {
    const pool = await openPool({ empty: true });
    const first = { "20260101000000_first": 'CREATE TABLE "Endpoint" (seq int); INSERT INTO "Endpoint" VALUES (1);' };
    const dir = makeFolder({
      ...first,
      "20260201000000_index": '-- Why.\n\nCREATE INDEX CONCURRENTLY "Endpoint_seq_idx" ON "Endpoint"("seq");\n',
    });
    await migrate({ pool, dir: makeFolder(first), log });
    const writer = await pool.connect();
    await writer.query('BEGIN; UPDATE "Endpoint" SET seq = 2');
    const both = Promise.all([migrate({ pool, dir, log }), migrate({ pool, dir, log: createLog() })]);
    await until(
      "it is being built",
      async () =>
        (await pool.query(`SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'Endpoint_seq_idx'`))
          .rowCount === 1,
    );
    // It has not locked other writers out.
    await pool.query('INSERT INTO "Endpoint" VALUES (3)');
    await writer.query("COMMIT");
    writer.release();
    expect((await both).flat()).toEqual(["20260201000000_index"]);
    expect((await pool.query(`SELECT indisvalid FROM pg_index WHERE indexrelid = '"Endpoint_seq_idx"'::regclass`)).rows).toEqual([
      { indisvalid: true },
    ]);
  });

  test("[E6] an index again, if an earlier try was interrupted", async () => {
    const pool = await openPool({ empty: true });
    const first = { "20260101000000_first": 'CREATE TABLE "Endpoint" (seq int); INSERT INTO "Endpoint" VALUES (1), (1);' };
    await migrate({ pool, dir: makeFolder(first), log });
    await expect(pool.query('CREATE UNIQUE INDEX CONCURRENTLY "Endpoint_seq_idx" ON "Endpoint"("seq")')).rejects.toThrow(
      "could not create unique index",
    );
    const dir = makeFolder({ ...first, "20260201000000_index": 'CREATE INDEX CONCURRENTLY "Endpoint_seq_idx" ON "Endpoint"("seq");' });
    expect(await migrate({ pool, dir, log })).toEqual(["20260201000000_index"]);
    const { rows } = await pool.query(`SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = '"Endpoint_seq_idx"'::regclass`);
    expect(rows).toEqual([{ indisvalid: true, indisunique: false }]);
  });

  test("[E6] while other servers write, without a deadlock", async () => {
    const pool = await openPool({ empty: true });
    const tables = 'CREATE TABLE "Endpoint" (seq int); CREATE TABLE "Change" (seq int); INSERT INTO "Endpoint" VALUES (1);';
    await migrate({ pool, dir: makeFolder({ "20260101000000_first": tables }), log });
    const writer = await pool.connect();
    await writer.query('BEGIN; UPDATE "Endpoint" SET seq = 2');
    const second = 'ALTER TABLE "Change" ADD COLUMN at int; ALTER TABLE "Endpoint" ADD COLUMN count int;';
    const migrating = migrate({ pool, dir: makeFolder({ "20260101000000_first": tables, "20260201000000_second": second }), log });
    await until("the wait for a lock", async () => {
      const { rows } = await pool.query(
        "SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      );
      return rows.length > 0;
    });
    await writer.query('INSERT INTO "Change" VALUES (2); COMMIT');
    writer.release();
    expect(await migrating).toEqual(["20260201000000_second"]);
  });

  test("[E6] again if it was rolled back because of contention", async () => {
    const pool = await openPool({ empty: true });
    const lostOnce = `DO $$ BEGIN
      IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END IF;
    END $$;`;
    const dir = makeFolder({
      "20260101000000_first": "CREATE SEQUENCE attempts;",
      "20260201000000_second": `CREATE TABLE a (id int); ${lostOnce}`,
    });
    expect(await migrate({ pool, dir, log })).toEqual(["20260101000000_first", "20260201000000_second"]);
    expect((await pool.query("SELECT last_value::int AS attempts FROM attempts")).rows).toEqual([{ attempts: 2 }]);
  });

  test("as a superuser too, with a warning: an injection could then run programs", async () => {
    const database = await createTestDatabase({ empty: true });
    cleanups.push(database.drop);
    const dir = makeFolder(LIST);
    const said = createLog();
    await migrate({ pool: connect(database.url), dir, log: said });
    expect(said.lines.filter((line) => line.includes("superuser"))).toEqual([]);
    const { superuser } = inject("postgres");
    const url = new URL(database.url);
    Object.assign(url, { username: superuser.user, password: superuser.password });
    await migrate({ pool: connect(url.href), dir, log: said });
    expect(said.lines.filter((line) => line.includes("superuser"))).toHaveLength(1);
  });

  test("in the order of their names, and records them as Prisma does", async () => {
    const pool = await openPool({ empty: true });
    expect(await migrate({ pool, dir: makeFolder(LIST), log })).toEqual(Object.keys(LIST));
    expect((await pool.query("SELECT id FROM a")).rowCount).toBe(2);
    const { rows } = await pool.query('SELECT * FROM "_prisma_migrations" ORDER BY migration_name');
    expect(rows).toEqual(
      Object.entries(LIST).map(([name, sql]) => ({
        id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        checksum: createHash("sha256").update(sql).digest("hex"),
        finished_at: expect.any(Date),
        migration_name: name,
        logs: null,
        rolled_back_at: null,
        started_at: expect.any(Date),
        applied_steps_count: 1,
      })),
    );
    for (const row of rows) expect(row.finished_at.getTime()).toBeGreaterThanOrEqual(row.started_at.getTime());
    const { rows: columns } = await pool.query(
      "SELECT column_name || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END AS c FROM information_schema.columns JOIN pg_attribute ON attrelid = '_prisma_migrations'::regclass AND attname = column_name WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position",
    );
    expect(columns.map((column) => column.c)).toEqual([
      "id character varying(36) NOT NULL",
      "checksum character varying(64) NOT NULL",
      "finished_at timestamp with time zone",
      "migration_name character varying(255) NOT NULL",
      "logs text",
      "rolled_back_at timestamp with time zone",
      "started_at timestamp with time zone NOT NULL",
      "applied_steps_count integer NOT NULL",
    ]);
  });

  test("only the new ones to a database of an earlier release", async () => {
    const pool = await openPool({ empty: true });
    await migrate({ pool, dir: makeFolder({ "20260101000000_first": LIST["20260101000000_first"] }), log });
    expect(await migrate({ pool, dir: makeFolder(LIST), log })).toEqual(["20260201000000_second"]);
  });

  test("a migration again that Prisma marked as rolled back", async () => {
    const pool = await openPool({ empty: true });
    const dir = makeFolder(LIST);
    await migrate({ pool, dir, log });
    await pool.query("DROP TABLE a");
    await pool.query('UPDATE "_prisma_migrations" SET rolled_back_at = now(), finished_at = NULL');
    expect(await migrate({ pool, dir, log })).toEqual(Object.keys(LIST));
  });

  test("once, if several nodes start together", async () => {
    const database = await createTestDatabase({ empty: true });
    cleanups.push(database.drop);
    const dir = makeFolder(LIST);
    const applied = await Promise.all(Array.from({ length: 6 }, () => migrate({ pool: connect(database.url), dir, log })));
    expect(applied.flat()).toEqual(Object.keys(LIST));
  });

  test("after another process, such as `prisma migrate deploy`, has released the lock", async () => {
    const pool = await openPool({ empty: true });
    const holder = await pool.connect();
    await holder.query("SELECT pg_advisory_lock(72707369)");
    const own = createLog();
    const migrating = migrate({ pool, dir: makeFolder(LIST), log: own });
    await until("the wait for the lock", () => own.lines.includes("waiting for another process to migrate the database"));
    expect((await holder.query("SELECT to_regclass('a') AS a")).rows).toEqual([{ a: null }]);
    await holder.query("SELECT pg_advisory_unlock(72707369)");
    holder.release();
    expect(await migrating).toEqual(Object.keys(LIST));
  });
});

describe("refuses, and changes nothing", () => {
  test("a migration that fails: the earlier ones stay, nothing of it is applied", async () => {
    const pool = await openPool({ empty: true });
    const dir = makeFolder({ ...LIST, "20260301000000_third": "CREATE TABLE b (id int); INSERT INTO b VALUES ('x');" });
    await expect(migrate({ pool, dir, log })).rejects.toThrow(
      /^The migration 20260301000000_third failed: .*"x".* Nothing of it was applied\.$/,
    );
    expect((await pool.query("SELECT to_regclass('b') AS b, to_regclass('a')::text AS a")).rows).toEqual([{ b: null, a: "a" }]);
    // The lock is free, and a repaired file is applied.
    fs.writeFileSync(path.join(dir, "20260301000000_third", "migration.sql"), "CREATE TABLE b (id int);");
    expect(await migrate({ pool, dir, log })).toEqual(["20260301000000_third"]);
  });

  test("a file that changed after it was applied", async () => {
    const pool = await openPool({ empty: true });
    await migrate({ pool, dir: makeFolder(LIST), log });
    const edited = { ...LIST, "20260101000000_first": "CREATE TABLE a (id bigint);", "20260301000000_third": "CREATE TABLE b (id int);" };
    await expect(migrate({ pool, dir: makeFolder(edited), log })).rejects.toThrow(/20260101000000_first has changed since it was applied/);
    expect((await pool.query("SELECT to_regclass('b') AS b")).rows).toEqual([{ b: null }]);
  });

  test("a database of a newer release", async () => {
    const pool = await openPool({ empty: true });
    await migrate({ pool, dir: makeFolder(LIST), log });
    const older = makeFolder({ "20260101000000_first": LIST["20260101000000_first"] });
    await expect(migrate({ pool, dir: older, log })).rejects.toThrow(/has the migration 20260201000000_second of a newer release/);
  });

  test("a migration that another tool left incomplete", async () => {
    const pool = await openPool({ empty: true });
    const dir = makeFolder(LIST);
    await migrate({ pool, dir, log });
    await pool.query(`UPDATE "_prisma_migrations" SET finished_at = NULL, logs = 'boom' WHERE migration_name LIKE '%second'`);
    await expect(migrate({ pool, dir, log })).rejects.toThrow(/20260201000000_second failed halfway/);
  });

  test("a database with foreign tables", async () => {
    const pool = await openPool({ empty: true });
    await pool.query("CREATE TABLE customers (id int)");
    await expect(migrate({ pool, dir: makeFolder(LIST), log })).rejects.toThrow(/has tables that Rested did not create/);
    expect((await pool.query(`SELECT to_regclass('"_prisma_migrations"') AS t`)).rows).toEqual([{ t: null }]);
  });
});
