/** Lists the users of an authentication endpoint (G11). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { AppUsers } from "@/src/shared/management/schemas";
import type { AppUsersQuery } from "./parse-app-users-query";
import { readAppUsers } from "./read-app-users";
import { requireOwnUsers } from "./require-own-users";

/** A page, in order of names. `total` counts all that the search finds. Raises `not_found`. */
export async function listAppUsers({
  db,
  clock,
  ownerId,
  endpointId,
  query: { search, after, limit },
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  clock: Clock;
  ownerId: string;
  endpointId: string;
  query: AppUsersQuery;
}): Promise<AppUsers> {
  await requireOwnUsers({ db, ownerId, endpointId });
  const [found, [counted]] = await Promise.all([
    readAppUsers({ db, clock, endpointId, filter: { userId: null, search, after, limit: limit + 1 } }),
    db.$queryRaw<{ total: number }[]>`
      SELECT count(*)::int AS "total" FROM "AppUser"
      WHERE "endpointId" = ${endpointId}::uuid AND (${search}::text IS NULL OR strpos("name", ${search}::text) > 0)`,
  ]);
  const users = found.slice(0, limit);
  return { users, next: found.length > limit ? (users.at(-1)?.name ?? null) : null, total: counted?.total ?? 0 };
}
