/** A server's own PostgreSQL, past the server, as an operator reaches it. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";

/** A connection to the PostgreSQL that runs in the data folder. The caller ends it. */
export async function connectToDatabase(dataDir: string): Promise<pg.Client> {
  const postmaster = (await readFile(path.join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n");
  const password = (await readFile(path.join(dataDir, "postgres.password"), "utf8")).trim();
  const client = new pg.Client({ host: "127.0.0.1", port: Number(postmaster[3]), user: "rested", password, database: "rested" });
  await client.connect();
  return client;
}
