/** Reads users of an authentication endpoint with what is known of their sessions (G11). It must not ask whose the endpoint is. */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { AppUserView } from "@/src/shared/management/schemas";
import { type AppUserRow, toAppUserView } from "./views";

export interface AppUserFilter {
  /** 32 hex digits; null: every user. */
  userId: string | null;
  /** A part of the compared name; null: any. */
  search: string | null;
  /** Only names after this one; null: from the first. */
  after: string | null;
  limit: number;
}

/** In order of names. */
export async function readAppUsers({
  db,
  clock,
  endpointId,
  filter: { userId, search, after, limit },
}: {
  db: Pick<Db, "$queryRaw">;
  clock: Clock;
  endpointId: string;
  filter: AppUserFilter;
}): Promise<AppUserView[]> {
  const now = clock.now().toISOString();
  const rows = await db.$queryRaw<AppUserRow[]>`
    SELECT replace(u."id"::text, '-', '') AS "id", u."name", u."createdAt", u."updatedAt", t."sessions", t."lastUsedAt"
    FROM "AppUser" u LEFT JOIN LATERAL (
      SELECT count(*) FILTER (WHERE a."revokedAt" IS NULL AND a."expiresAt" > ${now}::timestamptz)::int AS "sessions",
        max(coalesce(a."lastUsedAt", a."createdAt")) AS "lastUsedAt"
      FROM "AccessToken" a WHERE a."userId" = u."id"
    ) t ON true
    WHERE u."endpointId" = ${endpointId}::uuid
      AND (${userId}::uuid IS NULL OR u."id" = ${userId}::uuid)
      AND (${after}::text IS NULL OR u."name" > ${after}::text)
      AND (${search}::text IS NULL OR strpos(u."name", ${search}::text) > 0)
    ORDER BY u."name" LIMIT ${limit}::int`;
  return rows.map(toAppUserView);
}
