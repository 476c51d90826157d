/** Reads one user of an authentication endpoint (G11). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AppUserView } from "@/src/shared/management/schemas";
import { readAppUsers } from "./read-app-users";
import { requireOwnUser } from "./require-own-users";

/** `userId`: 32 hex digits. Raises `not_found`. */
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
