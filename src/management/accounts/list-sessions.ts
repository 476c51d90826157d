/** Lists where an account is signed in. */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { SessionView } from "@/src/shared/management/schemas";
import { toSessionView } from "../views";

/** The open sessions, last seen first. `currentSessionId`: the asking one, or null for a management token. */
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
