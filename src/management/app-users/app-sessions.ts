/** Lists and revokes the sessions (access tokens) of an application's user. */

import type { Tokens } from "@/src/core/access/access-tokens";
import type { Clock } from "@/src/core/clock";
import { toUuid } from "@/src/core/records/unique-id";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AppSessionView } from "@/src/shared/management/schemas";
import { requireOwnUser } from "./require-own-users";
import { appSessionSelect, toAppSessionView } from "./views";

/** Returns the valid tokens, newest first. Throws `not_found`. */
export async function listAppSessions({
  db,
  clock,
  ownerId,
  endpointId,
  userId,
}: {
  db: Pick<Db, "endpoint" | "appUser" | "accessToken">;
  clock: Clock;
  ownerId: string;
  endpointId: string;
  userId: string;
}): Promise<AppSessionView[]> {
  await requireOwnUser({ db, ownerId, endpointId, userId });
  const rows = await db.accessToken.findMany({
    where: { userId: toUuid(userId), revokedAt: null, expiresAt: { gt: clock.now() } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: appSessionSelect,
  });
  return rows.map(toAppSessionView);
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Revocation {
  db: Pick<Db, "endpoint" | "appUser" | "accessToken">;
  clock: Clock;
  tokens: Pick<Tokens, "invalidate">;
  ownerId: string;
  endpointId: string;
  userId: string;
}

/** Ends one session. Throws `not_found` unless it is a valid session of this user. */
export async function revokeAppSession({ sessionId, ...revocation }: Revocation & { sessionId: string }): Promise<void> {
  if (!UUID.test(sessionId) || (await revoke(revocation, sessionId)) === 0) throw new AppError("not_found");
}

/** Ends all sessions of the user, if there are any. Throws `not_found` if the user does not exist. */
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
