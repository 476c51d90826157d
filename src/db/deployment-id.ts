/** Tells one deployment from another: what servers of the same database have in common. It must not change while the database lives. */
import type pg from "pg";

/** Random, made with the first migration. A copy of the database has the same one. */
export async function readDeploymentId(pool: Pick<pg.Pool, "query">): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM "_prisma_migrations" ORDER BY started_at, id LIMIT 1`);
  const [first] = rows;
  if (!first) throw new Error("The database has no migrations, so it cannot be identified.");
  return first.id;
}
