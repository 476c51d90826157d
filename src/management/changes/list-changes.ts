/** Reads the newest changes of an endpoint's log for the console. */

import { toRecordText } from "@/src/core/records/record-text";
import type { ChangeLog, LogPosition } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { CHANGES_LIMIT_MAX } from "@/src/shared/management/schemas";
import { formatCursor } from "@/src/shared/streams/cursor";
import type { ChangeType } from "@/src/shared/streams/protocol";
import { isUniqueId } from "@/src/shared/streams/protocol";
import { requireOwnEndpoint } from "../ownership";

/** Reads the log's position. Call it before the page is read, so that every change the page lacks comes after it. Throws `not_found` if the endpoint was deleted meanwhile. */
export async function readLogPosition(changes: Pick<ChangeLog, "positions">, endpointId: string): Promise<LogPosition> {
  const position = (await changes.positions([endpointId])).get(endpointId);
  if (position === undefined) throw new AppError("not_found");
  return position;
}

const LIMIT_DEFAULT = 100;

export interface ChangesQuery {
  before: number | null;
  limit: number;
  /** 32 hex digits. */
  recordId: string | null;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseChangesQuery(parameters: URLSearchParams): ChangesQuery {
  const problems = new Map<string, string>();
  const integer = (name: string, min: number, max: number): number | null => {
    const text = parameters.get(name);
    if (text === null) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) problems.set(name, `Use a whole number from ${min} to ${max}.`);
    return value;
  };
  const before = integer("before", 1, Number.MAX_SAFE_INTEGER);
  const limit = integer("limit", 1, CHANGES_LIMIT_MAX) ?? LIMIT_DEFAULT;
  const recordId = parameters.get("recordId");
  if (recordId !== null && !isUniqueId(recordId)) problems.set("recordId", "Use 32 lowercase hex digits.");
  if (problems.size > 0) throw new AppError("parameter_invalid", { fields: Object.fromEntries(problems) });
  return { before, limit, recordId };
}

/** The maximum length of a page. A single change may be longer, because a record may have a megabyte. */
const PAGE_CHARACTERS_MAX = 4 * 1024 * 1024;

interface ChangeRow {
  seq: bigint;
  type: ChangeType;
  at: Date;
  version: number;
  recordId: string;
  data: string;
  createdAt: Date;
  updatedAt: Date;
  /** The number of rows found, including one beyond the limit. */
  found: bigint;
}

/**
 * Returns the JSON text of `{ changes, more, cursor }`, newest first. Includes changes with seq < `before`; with `recordId` (32 hex digits) only those of
 * that record. Throws `not_found`.
 */
export async function listChanges({
  db,
  changes,
  ownerId,
  endpointId,
  before,
  recordId,
  limit,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  changes: Pick<ChangeLog, "positions">;
  ownerId: string;
  endpointId: string;
  before: number | null;
  recordId: string | null;
  limit: number;
}): Promise<string> {
  await requireOwnEndpoint({ db, ownerId, endpointId });
  // Read first. The page ends at this position, so a stream that resumes from it sends what the page lacks, and nothing twice.
  const position = await readLogPosition(changes, endpointId);
  const rows = await db.$queryRaw<ChangeRow[]>`
    WITH page AS (
      SELECT c.*, row_number() OVER newest AS n, count(*) OVER () AS found,
        sum(length(c."data"::text)) OVER newest - length(c."data"::text) AS newer
      FROM (
        SELECT * FROM "Change"
        WHERE "endpointId" = ${endpointId}::uuid
          AND "seq" <= ${position.seq}::bigint
          AND (${before}::bigint IS NULL OR "seq" < ${before}::bigint)
          AND (${recordId}::uuid IS NULL OR "recordId" = ${recordId}::uuid)
        ORDER BY "seq" DESC LIMIT ${limit + 1}::int
      ) c
      WINDOW newest AS (ORDER BY c."seq" DESC ROWS UNBOUNDED PRECEDING)
    )
    SELECT "seq", "type"::text AS "type", "at", "version", replace("recordId"::text, '-', '') AS "recordId", "data"::text AS "data",
      "recordCreatedAt" AS "createdAt", "recordUpdatedAt" AS "updatedAt", "found"
    FROM page WHERE n <= ${limit}::int AND (n = 1 OR newer < ${PAGE_CHARACTERS_MAX}::int) ORDER BY "seq" DESC`;
  const more = rows.length < Number(rows[0]?.found ?? 0);
  return `{"changes":[${rows.map(toChangeText).join(",")}],"more":${more},"cursor":"${formatCursor(position)}"}`;
}

function toChangeText(row: ChangeRow): string {
  const record = toRecordText({
    id: row.recordId,
    version: row.version,
    data: row.data,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  });
  return `{"seq":${row.seq},"type":"${row.type}","at":"${row.at.toISOString()}","version":${row.version},"record":${record}}`;
}
