/** Reads the records that merges begin with. Reads that arrive together share a statement. */
import type { RawStatements } from "@/src/db/raw-statements";
import { createReadBatcher, SHARED_BYTES_MAX } from "@/src/db/reads/read-batcher";
import type { RecordState } from "@/src/db/records/merge-group";
import { nameStatement } from "@/src/db/statement";

const COLUMNS = `r.version, r."contentType"::text AS "contentType", wire_id(r."ownerId") AS owner`;

/** No row: the endpoint does not exist. A null version: the record does not exist. */
const READ = nameStatement(
  "rested_read_for_merge",
  `SELECT ${COLUMNS}, r.data::text AS data FROM "Endpoint" e LEFT JOIN "Record" r ON r.id = $2::uuid AND r."endpointId" = e.id
  WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`,
);

/** The same for several records. LIMIT makes the planner use an index for each of them (see READ_SHARED in db/reads/one-record.ts). */
const READ_SHARED = nameStatement(
  "rested_read_for_merges",
  `SELECT asked.n::int AS n, r.* FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked(endpoint, id, n)
  CROSS JOIN LATERAL (SELECT e.id FROM "Endpoint" e WHERE e.id = asked.endpoint AND e."projectId" IS NOT NULL LIMIT 1) e
  LEFT JOIN LATERAL (
    SELECT ${COLUMNS}, CASE WHEN pg_column_size(r.data) <= $3::int AND octet_length(r.data::text) <= $3::int THEN r.data::text END AS data
    FROM "Record" r WHERE r.id = asked.id AND r."endpointId" = e.id LIMIT 1
  ) r ON true`,
);

type Row = RecordState | { version: null };
/** `data` is null if the record is too large for a shared statement. */
type SharedRow = (Omit<RecordState, "data"> & { data: string | null }) | { version: null };
type Found = RecordState | "endpoint_not_found" | "record_not_found";

/** Reads the current state of a record, with a statement that begins after the call. Throws what the statement throws. */
export type ReadForMerge = (endpointId: string, id: string) => Promise<Found>;

type Reads = Pick<RawStatements, "$queryRawUnsafe">;

/** Reads one record, without waiting for other reads. */
export async function readForMerge(reads: Reads, endpointId: string, id: string): Promise<Found> {
  const [row] = await reads.$queryRawUnsafe<Row[]>(READ, endpointId, id);
  if (!row) return "endpoint_not_found";
  return row.version === null ? "record_not_found" : row;
}

interface Asked {
  endpointId: string;
  id: string;
}

/** Creates a read that shares statements. Large records are read alone. Endpoints are served in turn. */
export function createReadForMerge(reads: Reads): ReadForMerge {
  async function readBatch(asked: readonly Asked[]): Promise<(Found | "too_large")[]> {
    const [first] = asked;
    if (first && asked.length === 1) return [await readForMerge(reads, first.endpointId, first.id)];
    const found = asked.map((): Found | "too_large" => "endpoint_not_found");
    const values = [asked.map(({ endpointId }) => endpointId), asked.map(({ id }) => id), SHARED_BYTES_MAX];
    const rows = await reads.$queryRawUnsafe<(SharedRow & { n: number })[]>(READ_SHARED, ...values);
    for (const { n, ...row } of rows) found[n - 1] = toFound(row);
    return found;
  }

  const readShared = createReadBatcher<Asked, Found | "too_large">({ readBatch });
  return async (endpointId, id) => {
    const found = await readShared(endpointId, `${endpointId} ${id}`, { endpointId, id });
    return found === undefined || found === "too_large" ? readForMerge(reads, endpointId, id) : found;
  };
}

function toFound(row: SharedRow): Found | "too_large" {
  if (row.version === null) return "record_not_found";
  const { data } = row;
  return data === null ? "too_large" : { ...row, data };
}
