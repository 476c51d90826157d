/** Reads the newest changes of an endpoint's log for the console. */

import { toRecordText } from "@/src/core/records/record-text";
import type { ChangeLog, LogPosition } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { formatCursor } from "@/src/shared/streams/cursor";
import type { ChangeType } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint } from "../ownership";

/** Reads the log's position. Call it before the page is read, so that every change the page lacks comes after it. Throws `not_found` if the endpoint was deleted meanwhile. */
export async function readLogPosition(changes: Pick<ChangeLog, "positions">, endpointId: string): Promise<LogPosition> {
  const position = (await changes.positions([endpointId])).get(endpointId);
  if (position === undefined) throw new AppError("not_found");
  return position;
}

/** The end of the log that a page is next to. `before`: the newest changes with a smaller seq. `after`: the oldest ones with a larger seq. */
export interface PageEdges {
  before: number | null;
  after: number | null;
}

/** The maximum length of a page. A single change may be longer, because a record may have a megabyte. */
export const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface ChangeRow {
  seq: bigint | string;
  type: ChangeType;
  at: Date;
  version: number;
  recordId: string;
  data: string;
  createdAt: Date;
  updatedAt: Date;
  /** The number of rows found, including one beyond the limit. */
  found: bigint | string;
}

/**
 * Returns the JSON text of `{ changes, more, cursor }`, newest first. With `after`, `more` means newer changes, otherwise older ones; with `recordId` (32 hex
 * digits) only those of that record. Throws `not_found`.
 */
export async function listChanges({
  db,
  changes,
  ownerId,
  endpointId,
  before,
  after,
  recordId,
  limit,
}: PageEdges & {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  changes: Pick<ChangeLog, "positions">;
  ownerId: string;
  endpointId: string;
  recordId: string | null;
  limit: number;
}): Promise<string> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  // Read first. The page ends at this position, so a stream that resumes from it sends what the page lacks, and nothing twice.
  const position = await readLogPosition(changes, endpointId);
  const rows = await db.$queryRaw<ChangeRow[]>`
    WITH page AS (
      SELECT c.*, row_number() OVER nearest AS n, count(*) OVER () AS found,
        sum(length(c."data"::text)) OVER nearest - length(c."data"::text) AS nearer
      FROM (
        (SELECT * FROM "Change"
        WHERE ${after}::bigint IS NULL AND "endpointId" = ${endpointId}::uuid
          AND "seq" <= ${position.seq}::bigint
          AND (${before}::bigint IS NULL OR "seq" < ${before}::bigint)
          AND (${recordId}::uuid IS NULL OR "recordId" = ${recordId}::uuid)
        ORDER BY "seq" DESC LIMIT ${limit + 1}::int)
        UNION ALL
        (SELECT * FROM "Change"
        WHERE "endpointId" = ${endpointId}::uuid
          AND "seq" <= ${position.seq}::bigint AND "seq" > ${after}::bigint
          AND (${recordId}::uuid IS NULL OR "recordId" = ${recordId}::uuid)
        ORDER BY "seq" LIMIT ${limit + 1}::int)
      ) c
      WINDOW nearest AS (ORDER BY CASE WHEN ${after}::bigint IS NULL THEN -c."seq" ELSE c."seq" END ROWS UNBOUNDED PRECEDING)
    )
    SELECT "seq", "type"::text AS "type", "at", "version", replace("recordId"::text, '-', '') AS "recordId", "data"::text AS "data",
      "recordCreatedAt" AS "createdAt", "recordUpdatedAt" AS "updatedAt", "found"
    FROM page WHERE n <= ${limit}::int AND (n = 1 OR nearer < ${PAGE_CHARACTERS_MAX}::int) ORDER BY "seq" DESC`;
  const more = rows.length < Number(rows[0]?.found ?? 0);
  return `{"changes":[${rows.map(toChangeText).join(",")}],"more":${more},"cursor":"${formatCursor(position)}"}`;
}

/** The JSON text of a change. */
export function toChangeText(row: ChangeRow): string {
  const record = toRecordText({
    id: row.recordId,
    version: row.version,
    data: row.data,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  });
  return `{"seq":${row.seq},"type":"${row.type}","at":"${row.at.toISOString()}","version":${row.version},"record":${record}}`;
}

/**
 * Returns the seq before the first change at or after a time; of the last change if there is none. Halves the log again and again, because changes are
 * ordered by time except for those of transactions that overlap.
 */
export async function findSeqBefore(db: Pick<Db, "$queryRaw">, endpointId: string, time: Date): Promise<number> {
  const [found] = await db.$queryRaw<{ seq: bigint | null }[]>`
    WITH RECURSIVE halves AS (
      SELECT min("seq") AS "low", max("seq") + 1 AS "high" FROM "Change" WHERE "endpointId" = ${endpointId}::uuid
      UNION ALL
      SELECT CASE WHEN m."at" < ${time}::timestamptz THEN m."seq" + 1 ELSE h."low" END,
        CASE WHEN m."at" < ${time}::timestamptz THEN h."high" ELSE (h."low" + h."high") / 2 END
      FROM halves h LEFT JOIN LATERAL (
        SELECT c."seq", c."at" FROM "Change" c
        WHERE c."endpointId" = ${endpointId}::uuid AND c."seq" >= (h."low" + h."high") / 2 AND c."seq" < h."high"
        ORDER BY c."seq" LIMIT 1
      ) m ON true
      WHERE h."low" < h."high"
    )
    SELECT "low" - 1 AS "seq" FROM halves WHERE "low" >= "high"`;
  return Number(found?.seq ?? 0);
}
