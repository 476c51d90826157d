/** Asks whose an authentication endpoint is, before something is done to its users (G6, G11). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/streams/protocol";

/** Raises `not_found` unless it is an authentication endpoint, in a project of `ownerId`. */
export async function requireOwnUsers({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
}): Promise<{ projectId: string }> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { projectId: true, kind: true },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  if (row.kind !== "authentication") {
    throw new AppError("not_found", { detail: "A data endpoint has no users. Use an authentication endpoint." });
  }
  return { projectId: row.projectId };
}

/** The same for one user, named by 32 hex digits; also `not_found` unless it is a user of this endpoint. */
export async function requireOwnUser({
  db,
  ownerId,
  endpointId,
  userId,
}: {
  db: Pick<Db, "endpoint" | "appUser">;
  ownerId: string;
  endpointId: string;
  userId: string;
}): Promise<{ projectId: string }> {
  const own = await requireOwnUsers({ db, ownerId, endpointId });
  const user = isUniqueId(userId) ? await db.appUser.findFirst({ where: { id: toUuid(userId), endpointId }, select: { id: true } }) : null;
  if (!user) throw new AppError("not_found");
  return own;
}

/** The UUID that 32 hex digits stand for, as the database's client takes it. */
export function toUuid(uniqueId: string): string {
  return uniqueId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
