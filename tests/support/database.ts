/** Databases for tests: each fresh, migrated, and of one test file alone. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  url: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** Removes it, ending the connections that are still open. */
  drop(): Promise<void>;
}

/** A copy of the migrated template. `empty`: without any table instead. */
export async function createTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const { template, ...server } = inject("postgres");
  const database = `test_${randomBytes(8).toString("hex")}`;
  await administer(`CREATE DATABASE ${database} TEMPLATE ${options.empty ? "template0" : template} STRATEGY file_copy`);
  return {
    ...server,
    database,
    url: `postgresql://${server.user}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`,
    drop: () => administer(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

async function administer(sql: string): Promise<void> {
  const { template: _, ...server } = inject("postgres");
  const client = new pg.Client({ ...server, database: "postgres" });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
