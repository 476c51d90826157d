/** Checks that an authentication endpoint belongs to the account, before its users are read or changed (G6, G11). */
import { toUuid } from "@/src/core/records/unique-id";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { isUniqueId } from "@/src/shared/streams/protocol";

/** Throws `not_found` unless it is an authentication endpoint in a project of `ownerId`. */
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

/** The same for one user, named by 32 hex digits. Also throws `not_found` unless it is a user of this endpoint. */
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
