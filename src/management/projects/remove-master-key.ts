/** Removes a project's master key (G2, U6). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

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
