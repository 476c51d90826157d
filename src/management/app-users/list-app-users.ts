/** Lists the users of an authentication endpoint. */

import type { Clock } from "@/src/core/clock";
import { toComparedName } from "@/src/core/users/credentials";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AppUsers, AppUserView } from "@/src/shared/management/schemas";
import { APP_USERS_LIMIT_MAX } from "@/src/shared/management/schemas";
import { APP_USER_NAME_LENGTH_MAX } from "@/src/shared/streams/protocol";
import { requireOwnUser, requireOwnUsers } from "./require-own-users";
import { type AppUserRow, toAppUserView } from "./views";

const LIMIT_DEFAULT = 50;
const CONTROL = /[\p{Cc}\p{Cs}]/u;

export interface AppUsersQuery {
  /** Part of the name, normalised as names are compared. Null: every user. */
  search: string | null;
  /** Only users whose names sort after this one. */
  after: string | null;
  limit: number;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseAppUsersQuery(parameters: URLSearchParams): AppUsersQuery {
  const problems = new Map<string, string>();
  const text = (name: string): string | null => {
    const value = parameters.get(name);
    if (value === null) return null;
    if (value.length > APP_USER_NAME_LENGTH_MAX) problems.set(name, `Use ${APP_USER_NAME_LENGTH_MAX} characters at most.`);
    else if (CONTROL.test(value)) problems.set(name, "Remove control characters.");
    return value;
  };
  const search = text("search");
  const after = text("after");
  if (after === "") problems.set("after", "Use the value of next of a page, or leave it out.");
  const sent = parameters.get("limit");
  const limit = sent === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(sent) ? Number(sent) : 0;
  if (limit < 1 || limit > APP_USERS_LIMIT_MAX) problems.set("limit", `Use a whole number from 1 to ${APP_USERS_LIMIT_MAX}.`);
  if (problems.size > 0) throw new AppError("parameter_invalid", { fields: Object.fromEntries(problems) });
  return { search: search === null ? null : toComparedName(search) || null, after, limit };
}

export interface AppUserFilter {
  /** 32 hex digits. Null: every user. */
  userId: string | null;
  /** Part of the normalised name. Null: any name. */
  search: string | null;
  /** Only names after this one. Null: from the first name. */
  after: string | null;
  limit: number;
}

/** Returns users in the order of their names. */
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

/** Returns a page of users, in the order of their names. `total` counts all users that the search finds. Throws `not_found`. */
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

/** Returns one user. `userId` has 32 hex digits. Throws `not_found`. */
export async function getAppUser({
  db,
  clock,
  ownerId,
  endpointId,
  userId,
}: {
  db: Pick<Db, "endpoint" | "appUser" | "$queryRaw">;
  clock: Clock;
  ownerId: string;
  endpointId: string;
  userId: string;
}): Promise<AppUserView> {
  await requireOwnUser({ db, ownerId, endpointId, userId });
  const [user] = await readAppUsers({ db, clock, endpointId, filter: { userId, search: null, after: null, limit: 1 } });
  if (!user) throw new AppError("not_found");
  return user;
}
