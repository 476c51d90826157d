/** Identifies a deployment: all servers that share a database read the same id. */
import type pg from "pg";

/** Returns the random id of the first migration. A copy of the database has the same one. */
export async function readDeploymentId(pool: Pick<pg.Pool, "query">): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM "_prisma_migrations" ORDER BY started_at, id LIMIT 1`);
  const [first] = rows;
  if (!first) throw new Error("The database has no migrations, so it cannot be identified.");
  return first.id;
}
