/** Deletes a project with its keys, endpoints, records and log (G2, G18). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";

/**
 * Deletes the project and its keys, which takes its endpoints from it: from then on none of them exists. Waits for writes that are under way at them. A job
 * deletes their rows afterwards. Throws `not_found`. Open streams of the project end (W6).
 */
export async function deleteProject({
  writeDb,
  queue,
  definitions,
  ownerId,
  projectId,
}: {
  writeDb: Pick<Db, "$transaction">;
  queue: Pick<EndpointQueue, "run">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  // Not a turn at each of its endpoints: at most one connection waits for this project's endpoints, beside the one that each of them may have.
  const count = await queue.run(projectId, () =>
    writeDb.$transaction(async (tx) => {
      // Endpoints before their project, in one order, as everybody else locks them; and nobody waits for the project while this waits for a writer.
      await tx.$queryRaw`
        SELECT e."id" FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
        WHERE p."id" = ${projectId}::uuid AND p."ownerId" = ${ownerId}::uuid ORDER BY e."id" FOR UPDATE OF e`;
      return (await tx.project.deleteMany({ where: { id: projectId, ownerId } })).count;
    }),
  );
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
