/** Deletes a project with its keys, endpoints, records and log (G2, G18). */
import type { Definitions } from "@/src/core/definitions";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

/**
 * Deletes the project and its keys, which takes its endpoints from it: from then on none of them exists. Waits for writes that are under way at them. A job
 * deletes their rows afterwards. Throws `not_found`. Open streams of the project end (W6).
 */
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
  const count = await db.$transaction(async (tx) => {
    // Endpoints before their project, in one order, as everybody else locks them; and nobody waits for the project while this waits for a writer.
    await tx.$queryRaw`
      SELECT e."id" FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
      WHERE p."id" = ${projectId}::uuid AND p."ownerId" = ${ownerId}::uuid ORDER BY e."id" FOR UPDATE OF e`;
    return (await tx.project.deleteMany({ where: { id: projectId, ownerId } })).count;
  });
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
