/** Counts what an account creates against its quotas (G20), in the transaction that creates it: of several at the same time, one takes the last place. */
import { quotaExceeded } from "@/src/core/limits/quotas";
import type { DbTransaction } from "@/src/db/client";

type Tx = Pick<DbTransaction, "$queryRaw" | "project">;

/** Call it before the project is created. `max`: 0 for no limit. Throws `quota_exceeded`. */
export async function requireProjectQuota({ tx, ownerId, max }: { tx: Tx; ownerId: string; max: number }): Promise<void> {
  if (max === 0) return;
  // Whoever creates another one waits here, and counts this one.
  await tx.$queryRaw`SELECT 1 FROM "User" WHERE "id" = ${ownerId}::uuid FOR NO KEY UPDATE`;
  if ((await tx.project.count({ where: { ownerId } })) >= max) throw quotaExceeded("projects", max);
}

/**
 * Call it after the endpoint was created, which has locked the project's row: the revision has risen. `max`: of projects without a quota of their own; 0 for no
 * limit. Throws `quota_exceeded`, which rolls the transaction back.
 */
export async function requireEndpointQuota({ tx, projectId, max }: { tx: Tx; projectId: string; max: number }): Promise<void> {
  const [row] = await tx.$queryRaw<{ endpoints: number; own: number | null }[]>`
    SELECT count(e."id")::int AS "endpoints", (p."quotas"->>'endpoints')::float8 AS "own"
    FROM "Project" p JOIN "Endpoint" e ON e."projectId" = p."id" WHERE p."id" = ${projectId}::uuid GROUP BY p."id"`;
  const limit = row?.own ?? max;
  if (row && limit > 0 && row.endpoints > limit) throw quotaExceeded("endpoints", limit);
}
