/** Deletes a user of an application for the endpoint's owner (G11), by the rules of users: subscribers hear of it. */
import type { Users } from "@/src/core/users/users";
import type { Db } from "@/src/db/client";
import { requireOwnUser } from "./require-own-users";

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
