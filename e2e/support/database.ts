/** Connects directly to the embedded PostgreSQL of a server. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";

/** Connects to the PostgreSQL of the data folder. The caller closes the connection. */
export async function connectToDatabase(dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: await readDatabaseUrl(dataDir) });
  await client.connect();
  return client;
}

/** The URL of the PostgreSQL of the data folder, for another server. */
export async function readDatabaseUrl(dataDir: string): Promise<string> {
  const postmaster = (await readFile(path.join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n");
  const password = (await readFile(path.join(dataDir, "postgres.password"), "utf8")).trim();
  return `postgresql://rested:${encodeURIComponent(password)}@127.0.0.1:${Number(postmaster[3])}/rested`;
}
