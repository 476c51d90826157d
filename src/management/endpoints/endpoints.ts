/** Reads, changes and deletes endpoints. */

import { toOwnerPath } from "@/src/core/access/caller-path";
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";
import type { EndpointDetail, EndpointPatch } from "@/src/shared/management/schemas";
import { toEpoch } from "@/src/shared/streams/cursor";
import { SERVER_SEEN_SECONDS } from "@/src/shared/streams/protocol";
import { requireFunction } from "../access/require-function";
import { storeAccessVersion, storeRules, toStoredRules } from "../access/stored-rules";
import { requireOwnEndpoint, requireOwnProject, requireOwnTarget } from "../ownership";
import { isUniqueViolation, pickDefined } from "../support";
import type { EndpointRow } from "../views";
import { toEndpointDetail } from "../views";
import { endpointNameTaken } from "./create-endpoint";
import { leaveGaps } from "./leave-gaps";
import { refuseEmailJudges, refuseEmailSchema, storeSchema, toSchemaText } from "./schema";

/** Returns the endpoints of `ownerId`, optionally of one project or with one id, ordered by name. */
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
      e."othersCanDelete", e."fileCacheSeconds", e."schema", e."rules", e."accessFunction", e."seq", e."recordCount", e."createdAt", e."updatedAt",
      (SELECT c."at" FROM "Change" c WHERE c."endpointId" = e."id" AND c."seq" = e."seq") AS "lastChangeAt",
      (SELECT count(*) FROM "OpenStream" s JOIN "ServerNode" n ON n."id" = s."nodeId"
        WHERE s."endpointId" = e."id" AND n."seenAt" > clock_timestamp() - make_interval(secs => ${SERVER_SEEN_SECONDS}::int)) AS "subscribers"
    FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
    WHERE p."ownerId" = ${ownerId}::uuid
      AND (${projectId}::uuid IS NULL OR e."projectId" = ${projectId}::uuid)
      AND (${endpointId}::uuid IS NULL OR e."id" = ${endpointId}::uuid)
    ORDER BY e."name"`;
}

/** Returns the endpoints of a project, ordered by name. `countSubscribers` counts the open streams of an endpoint on this server. Throws `not_found`. */
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
}): Promise<EndpointDetail[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await readEndpoints({ db, ownerId, projectId });
  return rows.map((row) => toEndpointDetail(row, countSubscribers(row.id)));
}

/** Returns one endpoint. `countSubscribers` counts the open streams of an endpoint on this server. Throws `not_found`. */
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

/**
 * Changes the given fields. Absent fields keep their values, and stored records are not changed. Streams that lose access close (W6). Throws `not_found`,
 * `name_taken`, what toSchemaText throws for the schema, and what requireFunction throws for the access function.
 */
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
  sandbox: Pick<Sandbox, "checkSchema" | "checkFunction">;
  definitions: Pick<Definitions, "invalidate">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  endpointId: string;
  patch: EndpointPatch;
}): Promise<EndpointDetail> {
  const { projectId, kind } = await requireOwnTarget({ db, ownerId, endpointId });
  const { schema: sent, rules, ...rest } = patch;
  refuseEmailSchema(kind, sent);
  refuseEmailJudges(kind, { rules, accessFunction: patch.accessFunction });
  const caller = toOwnerPath(ownerId, projectId);
  const schema = sent === undefined ? undefined : await toSchemaText({ sandbox, schema: sent, caller });
  if (typeof patch.accessFunction === "string") await requireFunction({ sandbox, source: patch.accessFunction, caller });
  const data = pickDefined(rest);
  if (Object.keys(data).length > 0 || schema !== undefined || rules !== undefined) {
    try {
      await queue.run(endpointId, () =>
        writeDb.$transaction(async (tx) => {
          await tx.endpoint.updateMany({ where: { id: endpointId }, data });
          if (schema !== undefined) await storeSchema({ db: tx, endpointId, schema });
          const access = { tx, endpointId, authorId: ownerId };
          if (rules !== undefined) await storeRules({ ...access, rules: toStoredRules(rules) });
          if (rules !== undefined || rest.accessFunction !== undefined) await storeAccessVersion(access);
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
 * Detaches the endpoint from its project: it no longer exists, and its name is free. Waits for earlier writes to finish. A job deletes the rows
 * afterwards. Open streams of the endpoint close (W6), and webhooks that lack
 * changes of it send a GAP (H3). Throws `not_found`, and `server_busy` if the wait takes too long.
 */
export async function deleteEndpoint({
  db,
  writeDb,
  queue,
  definitions,
  clock,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  writeDb: Pick<Db, "$transaction">;
  queue: Pick<EndpointQueue, "run">;
  definitions: Pick<Definitions, "invalidate">;
  clock: Clock;
  ownerId: string;
  endpointId: string;
}): Promise<void> {
  const { projectId } = await requireOwnEndpoint({ db, ownerId, endpointId });
  const isDeleted = await queue.run(endpointId, () =>
    writeDb.$transaction(async (tx) => {
      const { count } = await tx.endpoint.updateMany({ where: { id: endpointId, projectId }, data: { projectId: null } });
      // Its row is locked now, so the log has its end.
      const end = await tx.endpoint.findUnique({ where: { id: endpointId }, select: { name: true, epoch: true, seq: true } });
      if (count === 0 || !end) return false;
      const { name, epoch, seq } = end;
      await leaveGaps(tx, { id: endpointId, projectId, name, epoch: toEpoch(epoch), seq: Number(seq) }, clock);
      return true;
    }),
  );
  if (!isDeleted) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
