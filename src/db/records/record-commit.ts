/** The record commit: applies writes to one endpoint with one `record_commit` statement. Its callers open transactions, retry and publish. */
import type { Write, WriteResult } from "@/src/core/records/ports";
import { nameStatement } from "@/src/db/statement";

const COMMIT = nameStatement(
  "rested_record_commit",
  `SELECT outcome, seq::text AS seq, version, data,
    wire_time(created_at) AS "createdAt", wire_time(updated_at) AS "updatedAt", wire_time(at) AS at, wire_id(owner) AS owner
  FROM record_commit($1::uuid, $2::text[], $3::uuid[], $4::text[], $5::text[], $6::boolean[], $7::int[], $8::uuid[], $9::int[]) ORDER BY ord`,
);

/** The expected version of a chained write (see prisma/sql/record_commit.sql). */
const CHAINED = -1;

/** A client, or the client of a transaction, that can run the record commit. */
export interface CommitClient {
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
}

/** True for a client that can run the record commit. */
export function isCommitClient(value: unknown): value is CommitClient {
  return typeof value === "object" && value !== null && "$queryRawUnsafe" in value && typeof value.$queryRawUnsafe === "function";
}

type CommitRow =
  | { outcome: Exclude<WriteResult["outcome"], "ok"> }
  | {
      outcome: "ok";
      seq: string;
      version: number;
      data: string | null;
      createdAt: string;
      updatedAt: string;
      at: string;
      owner: string | null;
    };

/** True for the arguments of the `record_commit` statement. Its caller publishes more precise notifications. */
export function isCommitStatement(args: unknown): boolean {
  return Array.isArray(args) && args[0] === COMMIT;
}

/** Applies the writes in order, in one statement, and returns the result of each, in the same order. */
export async function commitWrites(client: CommitClient, endpointId: string, writes: readonly Write[]): Promise<WriteResult[]> {
  if (writes.length === 0) return [];
  const rows = await client.$queryRawUnsafe<CommitRow[]>(
    COMMIT,
    endpointId,
    writes.map((write) => write.type),
    writes.map((write) => write.id),
    writes.map((write) => (write.type === "DELETE" ? null : write.contentType)),
    writes.map((write) => (write.type === "DELETE" ? null : write.data)),
    writes.map((write) => write.type === "PUT" && write.sameType === true),
    writes.map(toExpectedVersion),
    writes.map((write) => (write.type === "POST" ? write.owner : write.onlyOwner) ?? null),
    writes.map((write) => (write.type === "POST" ? (write.remainingInUpload ?? null) : null)),
  );
  return writes.map((write, index) => toResult(endpointId, write, rows[index]));
}

function toExpectedVersion(write: Write): number | null {
  if (write.type === "POST") return null;
  return write.type === "PUT" && write.isChained ? CHAINED : (write.expectedVersion ?? null);
}

function toResult(endpointId: string, write: Write, row: CommitRow | undefined): WriteResult {
  if (!row) throw new Error(`record_commit returned no row for a ${write.type} to endpoint ${endpointId}`);
  if (row.outcome !== "ok") return { outcome: row.outcome };
  const data = write.type === "DELETE" ? row.data : write.data;
  if (data === null) throw new Error(`record_commit returned no data for a ${write.type} to endpoint ${endpointId}`);
  const { version, createdAt, updatedAt, at, owner } = row;
  const record = { id: write.id, version, data, createdAt, updatedAt };
  const upload = write.type === "POST" && write.remainingInUpload !== undefined ? { remainingInUpload: write.remainingInUpload } : {};
  return { outcome: "ok", change: { endpointId, seq: Number(row.seq), type: write.type, record, owner, at, ...upload } };
}
