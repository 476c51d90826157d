/** Compares the database's functions and triggers with prisma/sql, and tests the renamed setting that the functions use. */
import fs from "node:fs";
import path from "node:path";
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { createTestDatabase } from "@/tests/support/servers/database";
import { until } from "@/tests/support/until";

const FOLDER = "prisma/sql";
/** The first migration whose functions set `rested.logged_by_commit` instead of `rested.door`. */
const RENAMED = "20261128200000_logged_by_commit";
const ENDPOINT = "00000000-0000-4000-8000-000000000001";
const OWNER = "00000000-0000-4000-8000-000000000002";
const PROJECT = "00000000-0000-4000-8000-000000000003";
const RECORD = "00000000-0000-4000-8000-000000000004";
const FIXTURES = `
  INSERT INTO "User" ("id", "email", "name", "updatedAt") VALUES ('${OWNER}', 'owner@example.com', 'Owner', now());
  INSERT INTO "Project" ("id", "ownerId", "name", "updatedAt") VALUES ('${PROJECT}', '${OWNER}', 'Sensors', now());
  INSERT INTO "Endpoint" ("id", "projectId", "name") VALUES ('${ENDPOINT}', '${PROJECT}', 'sensors/kitchen');`;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openDatabase(options: { empty: boolean }): Promise<() => Promise<pg.Client>> {
  const database = await createTestDatabase(options);
  cleanups.push(database.drop);
  return async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    cleanups.push(() => client.end());
    return client;
  };
}

/** The text of each function and trigger by name, as PostgreSQL prints it. */
async function readDefinitions(client: pg.Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; definition: string }>(`
    SELECT 'FUNCTION ' || p.oid::regprocedure AS name, pg_get_functiondef(p.oid) AS definition
    FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
    UNION ALL
    SELECT format('TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass), pg_get_triggerdef(t.oid)
    FROM pg_trigger t WHERE NOT t.tgisinternal`);
  return Object.fromEntries(rows.map(({ name, definition }) => [name, definition]));
}

function readFiles(): string[] {
  const names = fs.readdirSync(FOLDER).filter((name) => name.endsWith(".sql"));
  return names.map((name) => fs.readFileSync(path.join(FOLDER, name), "utf8"));
}

test("prisma/sql contains the current text of each function and trigger, once", async () => {
  const client = await (await openDatabase({ empty: false }))();
  const migrated = await readDefinitions(client);
  expect(Object.keys(migrated).length).toBeGreaterThan(50);

  const kinds = Object.keys(migrated).toSorted().reverse();
  await client.query(kinds.map((name) => `DROP ${name};`).join("\n"));
  expect(await readDefinitions(client)).toEqual({});

  for (const sql of readFiles()) await client.query(sql);
  // A difference must be fixed in both: in the file, and by a new migration (prisma/sql/README.md).
  expect(await readDefinitions(client)).toEqual(migrated);

  const defined = readFiles().flatMap((sql) =>
    [...sql.matchAll(/^CREATE OR REPLACE ((?:FUNCTION|TRIGGER) \w+)/gm)].map(([, name]) => name),
  );
  expect(defined.filter((name, index) => defined.indexOf(name) !== index)).toEqual([]);
});

test("[E6] a record_commit of the previous release that runs while the setting is renamed is logged once", async () => {
  const connect = await openDatabase({ empty: true });
  const migrator = await connect();
  const read = (name: string): string => fs.readFileSync(path.join("prisma/migrations", name, "migration.sql"), "utf8");
  const names = fs.readdirSync("prisma/migrations").filter((name) => !name.endsWith(".toml"));
  for (const name of names.toSorted().filter((name) => name < RENAMED)) await migrator.query(read(name));
  await migrator.query(FIXTURES);
  const writer = await connect();
  const pid = (await writer.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;

  // As the migrator does (src/db/migrate.ts): the function has started and waits for its first lock.
  await migrator.query('BEGIN; LOCK TABLE "Endpoint" IN ACCESS EXCLUSIVE MODE');
  const committed = writer.query(
    `SELECT outcome FROM record_commit($1, '{POST}', $2, '{json}', '{1}', '{false}', '{null}', '{null}', '{null}')`,
    [ENDPOINT, [RECORD]],
  );
  await until("the function waits for the lock", async () => {
    const { rows } = await migrator.query("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $1", [pid]);
    return rows[0]?.wait_event_type === "Lock";
  });
  await migrator.query(`${read(RENAMED)}; COMMIT`);

  expect((await committed).rows).toEqual([{ outcome: "ok" }]);
  const { rows } = await migrator.query(
    'SELECT r."seq" AS "recordSeq", c."seq", c."type" FROM "Record" r JOIN "Change" c ON c."recordId" = r."id"',
  );
  expect(rows).toEqual([{ recordSeq: "1", seq: "1", type: "POST" }]);
});

test("plain writes are logged, and those of a transaction with either setting are not", async () => {
  const client = await (await openDatabase({ empty: false }))();
  await client.query(FIXTURES);
  const count = async (before: string): Promise<number> => {
    await client.query(`BEGIN; ${before}`);
    await client.query(`INSERT INTO "Record" ("id", "endpointId", "data", "updatedAt") VALUES (gen_random_uuid(), $1, '1', now())`, [
      ENDPOINT,
    ]);
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM "Change"');
    await client.query("ROLLBACK");
    return rows[0]?.count ?? -1;
  };
  expect(await count("")).toBe(1);
  expect(await count("SELECT set_config('rested.logged_by_commit', 'on', true)")).toBe(0);
  expect(await count("SELECT set_config('rested.door', 'open', true)")).toBe(0);
});
