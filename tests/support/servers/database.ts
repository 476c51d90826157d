/** Databases for tests: each fresh, migrated, and of one test file alone. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { inject } from "vitest";

const LOOKS_MAX = 100;
const LOOK_PAUSE_MS = 20;

export interface TestDatabase {
  url: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Changes a setting for all later connections to it, as the superuser, because some settings require it. */
  set(setting: string): Promise<void>;
  /** Removes it, ending the connections that are still open. */
  drop(): Promise<void>;
}

/** A copy of the migrated template. `empty`: without any table instead. */
export async function createTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const { template, superuser: _, ...server } = inject("postgres");
  const database = `test_${randomBytes(8).toString("hex")}`;
  const source = options.empty ? "template0" : template;
  await administer((client) => client.query(`CREATE DATABASE ${database} OWNER ${server.user} TEMPLATE ${source} STRATEGY file_copy`));
  return {
    ...server,
    database,
    url: `postgresql://${server.user}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`,
    set: (setting) => administer(async (client) => void (await client.query(`ALTER DATABASE ${database} SET ${setting}`))),
    drop: () =>
      administer(async (client) => {
        await waitUntilUnused(client, database);
        await client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      }),
  };
}

/** Waits until no connection uses the database: a pool ends before its connections have closed, and nobody would handle their errors. A leaked connection is closed by force. */
async function waitUntilUnused(client: pg.Client, database: string): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const { rowCount } = await client.query("SELECT 1 FROM pg_stat_activity WHERE datname = $1", [database]);
    if (rowCount === 0) return;
    await delay(LOOK_PAUSE_MS);
  }
}

async function administer(act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const { host, port, superuser } = inject("postgres");
  const client = new pg.Client({ host, port, ...superuser, database: "postgres" });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}
