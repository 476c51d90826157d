/** Deletes a project with its keys, endpoints, records and log (G2). */
import type { Definitions } from "@/src/core/definitions";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { deleteQuietly } from "./delete-quietly";

/** Raises `not_found`. Open sockets of the project end (W6). */
export async function deleteProject({
  db,
  definitions,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "$transaction">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  const count = await deleteQuietly({
    db,
    remove: async (tx) => (await tx.project.deleteMany({ where: { id: projectId, ownerId } })).count,
  });
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
