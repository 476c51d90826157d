/** Sets a password of an application's user, or deletes the user. */
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { requireOwnUser } from "./require-own-users";

/** Raises `not_found`, what is wrong with the password, and `server_busy` when too many wait to be hashed. */
export async function setAppUserPassword({
  db,
  users,
  ownerId,
  endpointId,
  userId,
  password,
}: {
  db: Pick<Db, "endpoint" | "appUser">;
  users: Pick<Users, "setPassword">;
  ownerId: string;
  endpointId: string;
  userId: string;
  password: string;
}): Promise<void> {
  const { projectId } = await requireOwnUser({ db, ownerId, endpointId, userId });
  await users.setPassword({ endpoint: { endpointId, projectId }, id: userId, password, caller: toOwnerPath(ownerId, projectId) });
}

/**
 * Its record, credentials and sessions go; what belongs to it at other endpoints stays, and belongs to nobody any more. Raises `not_found`, and
 * `record_not_found` when somebody was faster.
 */
export async function deleteAppUser({
  db,
  users,
  ownerId,
  endpointId,
  userId,
}: {
  db: Pick<Db, "endpoint" | "appUser">;
  users: Pick<Users, "remove">;
  ownerId: string;
  endpointId: string;
  userId: string;
}): Promise<void> {
  const { projectId } = await requireOwnUser({ db, ownerId, endpointId, userId });
  await users.remove({ endpoint: { endpointId, projectId }, id: userId });
}
