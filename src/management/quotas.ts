/** Usage and quotas of a project. */
import type { Quotas } from "@/src/core/limits/quotas";
import { quotaExceeded } from "@/src/core/limits/quotas";
import type { Db, DbTransaction } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { ProjectUsage, QuotasPatch } from "@/src/shared/management/quotas";
import type { AccountView } from "@/src/shared/management/schemas";

interface UsageRequest {
  db: Pick<Db, "project">;
  quotas: Pick<Quotas, "read">;
  user: Pick<AccountView, "id" | "role">;
  projectId: string;
}

/** Returns a project's usage and quotas, to its owner or an administrator. Throws `not_found`. */
export async function getUsage({ db, quotas, user, projectId }: UsageRequest): Promise<ProjectUsage> {
  await requireVisible({ db, user, projectId });
  const usage = await quotas.read(projectId);
  if (!usage) throw new AppError("not_found");
  return usage;
}

/** Sets quotas of any project. Only administrators can. Absent fields keep their values. Throws `not_found`, and `admin_required` for an owner who is not an administrator. */
export async function setQuotas({
  db,
  quotas,
  user,
  projectId,
  patch,
}: Omit<UsageRequest, "db" | "quotas"> & {
  db: Pick<Db, "project" | "$executeRaw">;
  quotas: Pick<Quotas, "read" | "invalidate">;
  patch: QuotasPatch;
}): Promise<ProjectUsage> {
  await requireVisible({ db, user, projectId });
  if (user.role !== "admin") throw new AppError("admin_required");
  const count = await db.$executeRaw`
    UPDATE "Project" SET "quotas" = jsonb_strip_nulls("quotas" || ${JSON.stringify(patch)}::jsonb), "updatedAt" = now() WHERE "id" = ${projectId}::uuid`;
  if (count === 0) throw new AppError("not_found");
  quotas.invalidate(projectId);
  return getUsage({ db, quotas, user, projectId });
}

async function requireVisible({ db, user, projectId }: Omit<UsageRequest, "quotas">): Promise<void> {
  const where = user.role === "admin" ? { id: projectId } : { id: projectId, ownerId: user.id };
  if (!(await db.project.findFirst({ where, select: { id: true } }))) throw new AppError("not_found");
}

type Tx = Pick<DbTransaction, "$queryRaw" | "project">;

/** Checks the number of projects before one is created. `max` of 0 means no limit. Throws `quota_exceeded`. */
export async function requireProjectQuota({ tx, ownerId, max }: { tx: Tx; ownerId: string; max: number }): Promise<void> {
  if (max === 0) return;
  // The lock serialises concurrent creations, so that each counts the other.
  await tx.$queryRaw`SELECT 1 FROM "User" WHERE "id" = ${ownerId}::uuid FOR NO KEY UPDATE`;
  if ((await tx.project.count({ where: { ownerId } })) >= max) throw quotaExceeded("projects", max);
}

/**
 * Checks the number of endpoints. Call it after the endpoint was created, which raised the revision and so locked the project's row. `max` applies to
 * projects without a quota of their own; 0 means no limit. Throws `quota_exceeded`, which rolls the transaction back.
 */
export async function requireEndpointQuota({ tx, projectId, max }: { tx: Tx; projectId: string; max: number }): Promise<void> {
  const [row] = await tx.$queryRaw<{ endpoints: number; own: number | null }[]>`
    SELECT count(e."id")::int AS "endpoints", (p."quotas"->>'endpoints')::float8 AS "own"
    FROM "Project" p JOIN "Endpoint" e ON e."projectId" = p."id" WHERE p."id" = ${projectId}::uuid GROUP BY p."id"`;
  const limit = row?.own ?? max;
  if (row && limit > 0 && row.endpoints > limit) throw quotaExceeded("endpoints", limit);
}
