/** Reads, changes and deletes endpoints. */

import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";
import type { EndpointDetail, EndpointPatch, ManagedEndpoint } from "@/src/shared/management/schemas";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint, requireOwnProject } from "../ownership";
import { isUniqueViolation, pickDefined } from "../support";
import type { EndpointRow } from "../views";
import { toEndpointDetail, toManagedEndpoint } from "../views";
import { endpointNameTaken } from "./create-endpoint";
import { storeSchema, toSchemaText } from "./schema";

/** The endpoints of `ownerId`, narrowed by project or id, by name. */
export function readEndpoints({
  db,
  ownerId,
  projectId = null,
  endpointId = null,
}: {
  db: Pick<Db, "$queryRaw">;
  ownerId: string;
  projectId?: string | null;
  endpointId?: string | null;
}): Promise<EndpointRow[]> {
  return db.$queryRaw<EndpointRow[]>`
    SELECT e."id", e."projectId", e."name", e."description", e."kind"::text AS "kind", e."secure", e."othersCanRead", e."othersCanUpdate",
      e."othersCanDelete", e."fileCacheSeconds", e."schema", e."seq", e."recordCount", e."createdAt", e."updatedAt",
      (SELECT c."at" FROM "Change" c WHERE c."endpointId" = e."id" AND c."seq" = e."seq") AS "lastChangeAt",
      (SELECT count(*) FROM "OpenStream" s JOIN "ServerNode" n ON n."id" = s."nodeId"
        WHERE s."endpointId" = e."id" AND n."seenAt" > clock_timestamp() - make_interval(secs => ${SERVER_SEEN_SECONDS}::int)) AS "subscribers"
    FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
    WHERE p."ownerId" = ${ownerId}::uuid
      AND (${projectId}::uuid IS NULL OR e."projectId" = ${projectId}::uuid)
      AND (${endpointId}::uuid IS NULL OR e."id" = ${endpointId}::uuid)
    ORDER BY e."name"`;
}

/** By name. `countSubscribers` tells the open streams of an endpoint on this server. Raises `not_found`. */
export async function listEndpoints({
  db,
  countSubscribers,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  projectId: string;
}): Promise<ManagedEndpoint[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await readEndpoints({ db, ownerId, projectId });
  return rows.map((row) => toManagedEndpoint(row, countSubscribers(row.id)));
}

/** Raises `not_found`. `countSubscribers` tells the open streams of an endpoint on this server. */
export async function getEndpoint({
  db,
  countSubscribers,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "$queryRaw">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  endpointId: string;
}): Promise<EndpointDetail> {
  const [row] = await readEndpoints({ db, ownerId, endpointId });
  if (!row) throw new AppError("not_found");
  return toEndpointDetail(row, countSubscribers(endpointId));
}

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
