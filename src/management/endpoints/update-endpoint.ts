/** Changes an endpoint's definition (G4). */
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import type { EndpointDetail, EndpointPatch } from "@/src/shared/management/schemas";
import { isUniqueViolation } from "../constraint-violation";
import { pickDefined } from "../pick-defined";
import { endpointNameTaken } from "./create-endpoint";
import { getEndpoint } from "./get-endpoint";
import { requireOwnEndpoint } from "./require-own-endpoint";
import { storeSchema, toSchemaText } from "./schema-text";

/** Raises `not_found`, `name_taken`, and for the schema what toSchemaText raises. Records that are stored already stay as they are. Absent fields stay; sockets that lose access end (W6). */
export async function updateEndpoint({
  db,
  writeDb,
  queue,
  sandbox,
  definitions,
  countSubscribers,
  ownerId,
  endpointId,
  patch,
}: {
  db: Pick<Db, "endpoint" | "record" | "$queryRaw">;
  writeDb: Pick<Db, "$transaction">;
  queue: Pick<EndpointQueue, "run">;
  sandbox: Pick<Sandbox, "checkSchema">;
  definitions: Pick<Definitions, "invalidate">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  endpointId: string;
  patch: EndpointPatch;
}): Promise<EndpointDetail> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const { schema: sent, ...rest } = patch;
  const caller = toOwnerPath(ownerId, projectId);
  const schema = sent === undefined ? undefined : await toSchemaText({ sandbox, schema: sent, caller });
  const data = pickDefined(rest);
  if (Object.keys(data).length > 0 || schema !== undefined) {
    try {
      await queue.run(endpointId, () =>
        writeDb.$transaction(async (tx) => {
          await tx.endpoint.updateMany({ where: { id: endpointId }, data });
          if (schema !== undefined) await storeSchema({ db: tx, endpointId, schema });
        }),
      );
    } catch (error) {
      throw isUniqueViolation(error) ? endpointNameTaken() : error;
    }
    definitions.invalidate(projectId);
  }
  return getEndpoint({ db, countSubscribers, ownerId, endpointId });
}
