/** Sets the password of an application's user, or deletes the user. */
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { requireOwnUser } from "./require-own-users";

/** Sets a password and ends the user's sessions. Throws `not_found`, the errors of invalid passwords, and `server_busy` if too many passwords wait to be hashed. */
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
 * Deletes the user's record, credentials and sessions. Records that the user owns at other endpoints stay, without an owner. Throws `not_found`, and
 * `record_not_found` if the user was deleted concurrently.
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
