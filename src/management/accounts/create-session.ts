/** Begins a dashboard session: the row that the cookie's token names. */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";

export const SESSION_DAYS = 30;
const DAY_MS = 86_400_000;
const USER_AGENT_LENGTH_MAX = 300;

/** The new session's id. Sweeps the account's sessions that have ended. */
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
