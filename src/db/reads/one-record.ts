/** Reads single records. Concurrent reads share a statement. */
import type { FairSemaphore } from "@/src/core/limits/fair-semaphore";
import type { FoundRecord } from "@/src/core/records/ports";
import { encodeUuids } from "@/src/db/binary-arrays";
import { createPageRead, type Read } from "@/src/db/read";
import { createReadBatcher, SHARED_BYTES_MAX } from "@/src/db/reads/read-batcher";
import { nameStatement } from "@/src/db/statement";

const COLUMNS = `r.version, wire_time(r."createdAt") AS "createdAt", wire_time(r."updatedAt") AS "updatedAt", r."contentType"::text AS "contentType",
  wire_id(r."ownerId") AS owner`;

const READ_ONE = nameStatement(
  "rested_read_one",
  `SELECT wire_id(r.id) AS id, r.data::text AS data, ${COLUMNS} FROM "Record" r WHERE r.id = $2::uuid AND r."endpointId" = $1::uuid`,
);

// With LIMIT, the planner joins by an index scan for each id. Without it, it could choose another join while the table is small, and keep that plan.
// pg_column_size is the stored size, which PostgreSQL knows without reading a large record.
const READ_SHARED = nameStatement(
  "rested_read_ones",
  `SELECT asked.n::int AS n, r.* FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked(endpoint, id, n)
  CROSS JOIN LATERAL (
    SELECT wire_id(r.id) AS id, CASE WHEN pg_column_size(r.data) <= $3::int AND octet_length(r.data::text) <= $3::int THEN r.data::text END AS data,
      ${COLUMNS} FROM "Record" r WHERE r.id = asked.id AND r."endpointId" = asked.endpoint LIMIT 1
  ) r`,
);

interface Asked {
  endpointId: string;
  id: string;
}

/** `data` is null if the record is too large for a shared statement. */
type SharedRow = Omit<FoundRecord, "data"> & { data: string | null };

/**
 * Returns a function that reads a record, or undefined if the endpoint has no such record. Large records are read alone; `pageReads` queues these
 * reads by endpoint.
 */
export function createReadOne({
  read,
  pageReads,
}: {
  read: Read;
  pageReads: Pick<FairSemaphore, "run"> | undefined;
}): (endpointId: string, id: string) => Promise<FoundRecord | undefined> {
  async function readAlone({ endpointId, id }: Asked, readLarge = read): Promise<FoundRecord | undefined> {
    const [row] = await readLarge<FoundRecord>(READ_ONE, [endpointId, id]);
    return row;
  }

  async function readBatch(asked: readonly Asked[]): Promise<(SharedRow | undefined)[]> {
    const [first] = asked;
    if (first && asked.length === 1) return [await readAlone(first)];
    const endpointIds = encodeUuids(asked.map(({ endpointId }) => endpointId));
    const ids = encodeUuids(asked.map(({ id }) => id));
    const placed = new Array<SharedRow | undefined>(asked.length).fill(undefined);
    // Rows keep their position, because a copy of each without it (placeRows) costs more than placing it.
    for (const row of await read<SharedRow & { n: number }>(READ_SHARED, [endpointIds, ids, SHARED_BYTES_MAX])) placed[row.n - 1] = row;
    return placed;
  }

  const readShared = createReadBatcher<Asked, SharedRow>({ readBatch });
  return async (endpointId, id) => {
    const row = await readShared(endpointId, `${endpointId} ${id}`, { endpointId, id });
    if (!row) return undefined;
    return isRead(row) ? row : readAlone({ endpointId, id }, createPageRead({ read, pageReads, endpointId }));
  };
}

function isRead(row: SharedRow): row is FoundRecord {
  return row.data !== null;
}
