/** Reads the records that merges begin with. Reads of one endpoint that arrive while one is under way share the next statement. */
import type { RawStatements } from "@/src/db/raw-statements";
import type { RecordState } from "@/src/db/records/merge-group";
import { nameStatement } from "@/src/db/statement";

/** The maximum number of records in a statement. With bodies of 1 MiB its result has 16 MiB. */
const RECORDS_MAX = 16;

/** No row: the endpoint does not exist. A null id: none of the records exists. */
const READ = nameStatement(
  "rested_read_for_merge",
  `SELECT wire_id(r.id) AS id, r.version, r."contentType"::text AS "contentType", r.data::text AS data, wire_id(r."ownerId") AS owner
  FROM "Endpoint" e LEFT JOIN "Record" r ON r.id = ANY ($2::uuid[]) AND r."endpointId" = e.id
  WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`,
);

type Row = (RecordState & { id: string }) | { id: null };
type Found = RecordState | "endpoint_not_found" | "record_not_found";

/** Reads the current state of a record, with a statement that begins after the call. Throws what the statement throws. */
export type ReadForMerge = (endpointId: string, id: string) => Promise<Found>;

type Reads = Pick<RawStatements, "$queryRawUnsafe">;

/** Reads one record, without waiting for other reads. */
export async function readForMerge(reads: Reads, endpointId: string, id: string): Promise<Found> {
  return toFound(await reads.$queryRawUnsafe<Row[]>(READ, endpointId, [id]), id);
}

interface Waiting {
  id: string;
  resolve: (found: Found) => void;
  reject: (error: unknown) => void;
}

/** Creates a read that shares statements. Endpoints do not wait for each other. */
export function createReadForMerge(reads: Reads): ReadForMerge {
  /** By endpoint, while a statement is under way. */
  const queues = new Map<string, Waiting[]>();

  async function drain(endpointId: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0, RECORDS_MAX);
      try {
        const ids = batch.map(({ id }) => id);
        const rows = await reads.$queryRawUnsafe<Row[]>(READ, endpointId, ids);
        for (const { id, resolve } of batch) resolve(toFound(rows, id));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    queues.delete(endpointId);
  }

  return (endpointId, id) =>
    new Promise((resolve, reject) => {
      const known = queues.get(endpointId);
      const queue = known ?? [];
      queue.push({ id, resolve, reject });
      if (known) return;
      queues.set(endpointId, queue);
      void drain(endpointId, queue);
    });
}

function toFound(rows: readonly Row[], id: string): Found {
  if (rows.length === 0) return "endpoint_not_found";
  return rows.find((row): row is RecordState & { id: string } => row.id === id) ?? "record_not_found";
}
