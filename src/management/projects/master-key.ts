/** Creates, replaces and removes a project's master key. */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { MasterKey } from "@/src/shared/management/schemas";
import { createSecret, hashSecret } from "../keys/secrets";

/** Creates a master key in place of the previous one. Only the return value contains the key; the database holds its hash. Throws `not_found`. */
export async function createMasterKey({
  db,
  definitions,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
}): Promise<MasterKey> {
  const masterKey = createSecret("mk_");
  const { count } = await db.project.updateMany({ where: { id: projectId, ownerId }, data: { masterKeyHash: hashSecret(masterKey) } });
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
  return { masterKey };
}

/** Removes the master key, if there is one. Throws `not_found` for the project. */
export async function removeMasterKey({
  db,
  definitions,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  const { count } = await db.project.updateMany({ where: { id: projectId, ownerId }, data: { masterKeyHash: null } });
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
