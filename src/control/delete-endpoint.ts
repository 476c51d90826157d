/** Deletes an endpoint with its records and log (G4). */
import type { Definitions } from "@/src/core/definitions";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { deleteQuietly } from "./delete-quietly";
import { requireOwnEndpoint } from "./require-own-endpoint";

/** Raises `not_found`. Open sockets of the endpoint end (W6). */
export async function deleteEndpoint({
  db,
  definitions,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint" | "$transaction">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  endpointId: string;
}): Promise<void> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const count = await deleteQuietly({ db, remove: async (tx) => (await tx.endpoint.deleteMany({ where: { id: endpointId } })).count });
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
