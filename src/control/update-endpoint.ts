/** Changes an endpoint's definition (G4). */
import type { Definitions } from "@/src/core/definitions";
import type { Db } from "@/src/db/client";
import type { EndpointDetail, EndpointPatch } from "@/src/shared/management";
import { endpointNameTaken } from "./create-endpoint";
import { getEndpoint } from "./get-endpoint";
import { pickDefined } from "./pick-defined";
import { requireOwnEndpoint } from "./require-own-endpoint";
import { isUniqueViolation } from "./unique-violation";

/** Raises `not_found`, `name_taken`. Absent fields stay; sockets that lose access end (W6). */
export async function updateEndpoint({
  db,
  definitions,
  countSubscribers,
  ownerId,
  endpointId,
  patch,
}: {
  db: Pick<Db, "endpoint" | "record" | "$queryRaw">;
  definitions: Pick<Definitions, "invalidate">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  endpointId: string;
  patch: EndpointPatch;
}): Promise<EndpointDetail> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const { schema: _, ...rest } = patch;
  const data = pickDefined(rest);
  if (Object.keys(data).length > 0) {
    try {
      await db.endpoint.updateMany({ where: { id: endpointId }, data });
    } catch (error) {
      throw isUniqueViolation(error) ? endpointNameTaken() : error;
    }
    definitions.invalidate(projectId);
  }
  return getEndpoint({ db, countSubscribers, ownerId, endpointId });
}
