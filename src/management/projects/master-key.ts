/** A project's master key: created, replaced, removed. */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { MasterKey } from "@/src/shared/management/schemas";
import { createSecret, hashSecret } from "../keys/secrets";

/** Raises `not_found`. The answer is the only place where the key ever is: only its hash is stored. */
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

/** Raises `not_found` for the project; a project without a master key stays as it is. */
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
