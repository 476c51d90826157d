/** Deletes an endpoint with its records and log (G4, G18). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";
import { requireOwnEndpoint } from "./require-own-endpoint";

/**
 * Takes the endpoint from its project: from then on it does not exist, and its name is free. Waits for the writes that came before. A job deletes its rows
 * afterwards. Throws `not_found`, and `server_busy` when that takes too long. Open streams of the endpoint end (W6).
 */
export async function deleteEndpoint({
  db,
  writeDb,
  queue,
  definitions,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  writeDb: Pick<Db, "endpoint">;
  queue: Pick<EndpointQueue, "run">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  endpointId: string;
}): Promise<void> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const { count } = await queue.run(endpointId, () =>
    writeDb.endpoint.updateMany({ where: { id: endpointId, projectId }, data: { projectId: null } }),
  );
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
