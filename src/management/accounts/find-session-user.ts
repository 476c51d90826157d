/** Finds who a session belongs to, each time anew: a revoked session ends with the next request. */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { AccountView } from "@/src/shared/management/schemas";
import { type AccountRow, toAccountView } from "../views";
import { SEEN_EVERY_MS } from "./last-seen";

/** The account, or null when the session is unknown, revoked or expired. Notes that it was seen, at most once a minute. */
export async function findSessionUser({
  db,
  clock,
  sessionId,
}: {
  db: Pick<Db, "session" | "$queryRaw">;
  clock: Clock;
  sessionId: string;
}): Promise<AccountView | null> {
  const now = clock.now();
  const [row] = await db.$queryRaw<(AccountRow & { lastSeenAt: Date })[]>`
    SELECT u."id", u."name", u."email", u."role"::text AS "role", u."createdAt", s."lastSeenAt"
    FROM "Session" s JOIN "User" u ON u."id" = s."userId"
    WHERE s."id" = ${sessionId}::uuid AND s."revokedAt" IS NULL AND s."expiresAt" > ${now}`;
  if (!row) return null;
  if (now.getTime() - row.lastSeenAt.getTime() >= SEEN_EVERY_MS) {
    await db.session.updateMany({ where: { id: sessionId }, data: { lastSeenAt: now } });
  }
  return toAccountView(row);
}
