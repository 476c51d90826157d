/** Finds the endpoint of a record by the record's id (G43). */
import { toUuid } from "@/src/core/records/unique-id";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { RecordPlace } from "@/src/shared/management/record-edits";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { requireOwnProject } from "../ownership";

/** Throws `not_found` for the project, `unique_id_invalid`, and `record_not_found` if none of the project's endpoints has the record. */
export async function locateRecord({
  db,
  ownerId,
  projectId,
  uniqueId,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  ownerId: string;
  projectId: string;
  uniqueId: string;
}): Promise<RecordPlace> {
  await requireOwnProject({ db, ownerId, projectId });
  if (!isUniqueId(uniqueId)) throw new AppError("unique_id_invalid");
  const [found] = await db.$queryRaw<Omit<RecordPlace, "uniqueId">[]>`
    SELECT e."id"::text AS "endpointId", e."name" AS "endpoint", e."kind"::text AS "kind"
    FROM "Record" r JOIN "Endpoint" e ON e."id" = r."endpointId"
    WHERE r."id" = ${toUuid(uniqueId)}::uuid AND r."seq" IS NOT NULL AND e."projectId" = ${projectId}::uuid`;
  if (!found) throw new AppError("record_not_found", { detail: "No endpoint of this project has a record with this uniqueId." });
  return { uniqueId, ...found };
}
