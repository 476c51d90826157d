/** Dashboard sessions. A cookie names a session row. */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccountView, SessionView } from "@/src/shared/management/schemas";
import { type AccountRow, toAccountView, toSessionView } from "../views";

/** The last use of a session or token is written at most once a minute. */
export const SEEN_EVERY_MS = 60_000;

export const SESSION_DAYS = 30;
const DAY_MS = 86_400_000;
const USER_AGENT_LENGTH_MAX = 300;

/** Creates a session and returns its id. Deletes the account's sessions that have ended. */
export async function createSession({
  db,
  clock,
  userId,
  userAgent,
  address,
}: {
  db: Pick<Db, "session">;
  clock: Clock;
  userId: string;
  userAgent: string | null;
  address: string | null;
}): Promise<string> {
  const now = clock.now();
  await db.session.deleteMany({ where: { userId, OR: [{ expiresAt: { lte: now } }, { revokedAt: { not: null } }] } });
  const { id } = await db.session.create({
    data: {
      userId,
      userAgent: userAgent?.slice(0, USER_AGENT_LENGTH_MAX) ?? null,
      address,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: new Date(now.getTime() + SESSION_DAYS * DAY_MS),
    },
    select: { id: true },
  });
  return id;
}

/** Returns the account, or null if the session is unknown, revoked or expired. Never cached, so a revocation takes effect with the next request. */
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

/** Returns the open sessions, most recently used first. `currentSessionId` is the session that made the request; null for a management token. */
export async function listSessions({
  db,
  clock,
  userId,
  currentSessionId,
}: {
  db: Pick<Db, "session">;
  clock: Clock;
  userId: string;
  currentSessionId: string | null;
}): Promise<SessionView[]> {
  const rows = await db.session.findMany({
    where: { userId, revokedAt: null, expiresAt: { gt: clock.now() } },
    orderBy: [{ lastSeenAt: "desc" }, { id: "desc" }],
  });
  return rows.map((row) => toSessionView(row, currentSessionId));
}

/** Ends a session. Throws `not_found` unless it is an open session of `userId`. */
export async function revokeSession({
  db,
  clock,
  signIns,
  userId,
  sessionId,
}: {
  db: Pick<Db, "session">;
  clock: Clock;
  signIns: Pick<SignIns, "invalidate">;
  userId: string;
  sessionId: string;
}): Promise<void> {
  const now = clock.now();
  const { count } = await db.session.updateMany({
    where: { id: sessionId, userId, revokedAt: null, expiresAt: { gt: now } },
    data: { revokedAt: now },
  });
  if (count === 0) throw new AppError("not_found");
  signIns.invalidate(userId);
}
