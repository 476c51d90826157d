/** Reads endpoints with the time of their last change and their open streams: the one query behind lists and details. */
import type { Db } from "@/src/db/client";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";
import type { EndpointRow } from "../views";

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
