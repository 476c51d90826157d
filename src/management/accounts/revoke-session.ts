/** Ends a dashboard session. */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

/** Raises `not_found` unless it is an open session of `userId`. */
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
