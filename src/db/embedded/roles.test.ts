/** Tests the ownership of the built-in PostgreSQL's database, and that the application's role has no further rights (ADR 25). */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Log } from "@/src/core/log";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@/src/db/embedded/postgres";
import { prepareDatabase } from "@/src/db/embedded/roles";
import { migrate } from "@/src/db/migrate";

const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const MIGRATIONS = path.resolve("prisma/migrations");

let dir: string;
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-roles-"));
  postgres = await startEmbeddedPostgres({ dir, log, durable: false });
});
afterAll(async () => {
  await postgres.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

/** The first column of every row. */
async function query(role: { user: string; password: string }, sql: string, database = postgres.database): Promise<unknown[]> {
  const client = new pg.Client({ host: postgres.host, port: postgres.port, ...role, database });
  await client.connect();
  try {
    const result: pg.QueryResult<Record<string, unknown>> = await client.query(sql);
    return result.rows?.map((row) => Object.values(row)[0]) ?? [];
  } finally {
    await client.end();
  }
}

const own = () => ({ user: postgres.user, password: postgres.password });

describe("the application's role", () => {
  test("is an ordinary one that owns the database", async () => {
    const attributes = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls";
    expect(await query(own(), `SELECT ${attributes} FROM pg_roles WHERE rolname = current_user`)).toEqual([false]);
    expect(await query(own(), "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()")).toEqual([postgres.user]);
    expect(postgres.superuser.user).not.toBe(postgres.user);
  });

  test.each([
    ["cannot read a file", "SELECT pg_read_file('/etc/hostname')"],
    ["cannot list a folder", "SELECT pg_ls_dir('/')"],
    ["cannot start a program", "COPY (SELECT 1) TO PROGRAM 'true'"],
    ["cannot write a file", "COPY (SELECT 1) TO '/tmp/rested-never-written'"],
    ["cannot import a file", "SELECT lo_import('/etc/hostname')"],
    ["cannot change a setting of the server", "ALTER SYSTEM SET fsync = off"],
    ["cannot become a superuser", "SET ROLE rested"],
    ["cannot create a superuser", "CREATE ROLE eve SUPERUSER"],
    ["cannot load a library", "LOAD '/tmp/library.so'"],
    ["cannot create a function in C", "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'"],
  ])("%s", async (_what, sql) => {
    await expect(query(own(), sql)).rejects.toThrow(/permission denied|must be superuser|access to library/);
  });

  test("migrates the database, and owns the created objects", async () => {
    const pool = new pg.Pool({ connectionString: postgres.url });
    try {
      expect((await migrate({ pool, dir: MIGRATIONS, log })).length).toBeGreaterThan(1);
    } finally {
      await pool.end();
    }
    expect(await query(own(), `SELECT tableowner FROM pg_tables WHERE tablename = 'Record'`)).toEqual([postgres.user]);
  });
});

describe("databases of releases that connected as the superuser", () => {
  test("are transferred to the application's role, completely and only once", async () => {
    const database = "upgraded";
    const server = { host: postgres.host, port: postgres.port, superuser: postgres.superuser, database };
    await query(postgres.superuser, `CREATE DATABASE ${database}`);
    const pool = new pg.Pool({ host: postgres.host, port: postgres.port, ...postgres.superuser, database });
    await migrate({ pool, dir: MIGRATIONS, log });
    await pool.query(`
      CREATE SCHEMA "Old stuff"; CREATE DOMAIN "Old stuff".positive AS int CHECK (value > 0);
      CREATE TABLE "Old stuff"."Odd; name" (id serial PRIMARY KEY, other int GENERATED ALWAYS AS IDENTITY, d "Old stuff".positive);
      CREATE SEQUENCE "Old stuff".free; CREATE TYPE "Old stuff".pair AS (a int, b int); CREATE TYPE "Old stuff".span AS RANGE (subtype = int4);
      CREATE VIEW "Old stuff".v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW "Old stuff".m AS SELECT 2 AS two;
      CREATE FUNCTION "Old stuff".f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
      CREATE EXTENSION IF NOT EXISTS plpgsql`);
    await pool.end();

    const credentials = await prepareDatabase(server);
    // Everything outside of PostgreSQL's own schemas that the superuser still owns, by pg_shdepend, independent of the statement under test.
    const OTHERS = `SELECT o.nspname || ' ' || c.relname FROM pg_class c JOIN pg_namespace o ON o.oid = c.relnamespace
      WHERE o.nspname !~ '^pg_' AND o.nspname <> 'information_schema' AND c.relowner <> 'rested_app'::regrole
      UNION ALL SELECT p.proname FROM pg_proc p JOIN pg_namespace o ON o.oid = p.pronamespace
      WHERE o.nspname !~ '^pg_' AND o.nspname <> 'information_schema' AND p.proowner <> 'rested_app'::regrole
      UNION ALL SELECT t.typname FROM pg_type t JOIN pg_namespace o ON o.oid = t.typnamespace
      WHERE o.nspname !~ '^pg_' AND o.nspname <> 'information_schema' AND t.typowner <> 'rested_app'::regrole`;
    expect(await query(credentials, OTHERS, database)).toEqual([]);
    expect(await query(credentials, `SELECT has_schema_privilege('public', 'CREATE')`, database)).toEqual([true]);
    // Migrations of a later release change objects that the superuser created.
    await query(
      credentials,
      `ALTER TABLE "Record" ADD COLUMN note text; ALTER TYPE "KeyScope" ADD VALUE 'none'; DROP TABLE "Old stuff"."Odd; name"`,
      database,
    );
    await query(
      credentials,
      `CREATE OR REPLACE FUNCTION "Old stuff".f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 2'`,
      database,
    );

    const again = await prepareDatabase(server);
    expect(again.password).not.toBe(credentials.password);
    await expect(query(credentials, "SELECT 1", database)).rejects.toThrow(/password authentication failed/);
    expect(await query(again, "SELECT 1", database)).toEqual([1]);
  });
});
