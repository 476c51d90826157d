/** Revokes a management token (G1). */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

/** Works no longer, at once. Raises `not_found` unless it is a token of `userId` that is not revoked. */
export async function revokeToken({
  db,
  clock,
  signIns,
  userId,
  tokenId,
}: {
  db: Pick<Db, "managementToken">;
  clock: Clock;
  signIns: Pick<SignIns, "invalidate">;
  userId: string;
  tokenId: string;
}): Promise<void> {
  const { count } = await db.managementToken.updateMany({
    where: { id: tokenId, userId, revokedAt: null },
    data: { revokedAt: clock.now() },
  });
  if (count === 0) throw new AppError("not_found");
  signIns.invalidate(userId);
}
