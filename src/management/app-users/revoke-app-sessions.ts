/** Ends sessions of a user of an application (G12): its tokens stop working, and sockets that were opened with them end (W6). */

import type { Tokens } from "@/src/core/access/access-tokens";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { requireOwnUser, toUuid } from "./require-own-users";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Revocation {
  db: Pick<Db, "endpoint" | "appUser" | "accessToken">;
  clock: Clock;
  tokens: Pick<Tokens, "invalidate">;
  ownerId: string;
  endpointId: string;
  userId: string;
}

/** Ends one. Raises `not_found` unless it is a session of this user that works now. */
export async function revokeAppSession({ sessionId, ...revocation }: Revocation & { sessionId: string }): Promise<void> {
  if (!UUID.test(sessionId) || (await revoke(revocation, sessionId)) === 0) throw new AppError("not_found");
}

/** Ends all of them; it is no error when there is none. Raises `not_found` for the user. */
export async function revokeAppSessions(revocation: Revocation): Promise<void> {
  await revoke(revocation, undefined);
}

async function revoke({ db, clock, tokens, ownerId, endpointId, userId }: Revocation, sessionId: string | undefined): Promise<number> {
  const { projectId } = await requireOwnUser({ db, ownerId, endpointId, userId });
  const now = clock.now();
  const { count } = await db.accessToken.updateMany({
    where: { userId: toUuid(userId), revokedAt: null, expiresAt: { gt: now }, ...(sessionId === undefined ? {} : { id: sessionId }) },
    data: { revokedAt: now },
  });
  if (count > 0) tokens.invalidate(projectId);
  return count;
}
