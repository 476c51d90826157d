/** Lists where a user of an application is logged in (G12). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { AppSessionView } from "@/src/shared/management/schemas";
import { requireOwnUser, toUuid } from "./require-own-users";
import { appSessionSelect, toAppSessionView } from "./views";

/** The tokens that work now, newest first. Raises `not_found`. */
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
