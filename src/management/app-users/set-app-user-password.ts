/** Sets a new password for a user of an application, for the endpoint's owner (G12), and ends the user's sessions. */
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
