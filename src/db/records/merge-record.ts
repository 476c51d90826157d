/** Replaces a record by the result of a function, without losing concurrent updates. */
import type { RecordStore, WriteResult } from "@/src/core/records/ports";
import type { Db } from "@/src/db/client";
import { createRowBusyError, isRowBusyError } from "@/src/db/errors";
import type { RawStatements } from "@/src/db/raw-statements";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";
import { AppError, isAppError } from "@/src/shared/errors";
import type { RecordKind } from "@/src/shared/streams/protocol";

type Merge = RecordStore["merge"];
type Change = Parameters<Merge>[2];
type Conditions = NonNullable<Parameters<Merge>[3]>;

/** How often the record may change between read and write. After that the endpoint is locked. */
const UNLOCKED_ATTEMPTS_MAX = 5;
/** The same for merges with a check. Others must not wait for a check, so the endpoint is never locked. */
const CHECKED_ATTEMPTS_MAX = 30;

/** The maximum number of concurrent merges of one record. Each holds its data in memory. */
const MERGES_MAX = 200;

const LOCK_ENDPOINT = nameStatement("rested_lock_endpoint", `SELECT 1 AS found FROM "Endpoint" WHERE id = $1::uuid FOR NO KEY UPDATE`);

/** No row: the endpoint does not exist. A null version: the record does not exist. */
const READ = nameStatement(
  "rested_read_for_merge",
  `SELECT r.version, r."contentType"::text AS "contentType", r.data::text AS data, wire_id(r."ownerId") AS owner
  FROM "Endpoint" e LEFT JOIN "Record" r ON r.id = $2::uuid AND r."endpointId" = e.id WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`,
);

type Row = { version: number; contentType: RecordKind; data: string; owner: string | null } | { version: null };

/**
 * Creates the merge function. A merge reads, then writes on the condition that the version is unchanged, and tries again if it is not. So no lock is
 * held in between, and the write can share a group commit. Merges of one record run one after the other within this process, so that they do not
 * conflict with each other. Queued merges hold no connection.
 */
export function createMerge({
  db,
  reads = db,
  commit,
  queue,
}: Pick<MergeRequest, "db" | "commit" | "queue"> & {
  /** Default: `db`. */
  reads?: Pick<RawStatements, "$queryRawUnsafe">;
}): Merge {
  /** For each record with running merges: the last one, and their number. */
  const merges = new Map<string, { last: Promise<WriteResult>; count: number }>();

  return (endpointId, id, change, conditions = {}) => {
    const run = () => mergeRecord({ db, reads, commit, queue, endpointId, id, change, conditions });
    const before = merges.get(id);
    if (before && before.count >= MERGES_MAX)
      return Promise.reject(createRowBusyError("Too many merges of this record are waiting. Send fewer at once, or try again shortly."));
    const queued = before?.last.then(run, (error) => {
      // After a merge that found the database unavailable or the endpoint's row locked, the queued ones must not wait for as long again.
      if ((isAppError(error) && error.code === "database_unavailable") || isRowBusyError(error)) throw error;
      return run();
    });
    const result = queued ?? run();
    const all = { last: result, count: (before?.count ?? 0) + 1 };
    merges.set(id, all);
    const leave = () => {
      const now = merges.get(id);
      if (!now) return;
      now.count -= 1;
      if (now.count === 0) merges.delete(id);
    };
    result.then(leave, leave);
    return result;
  };
}

interface MergeRequest {
  db: Db;
  reads: Pick<RawStatements, "$queryRawUnsafe">;
  commit: RecordStore["commit"];
  queue: EndpointQueue;
  endpointId: string;
  id: string;
  change: Change;
  conditions: Conditions;
}

async function mergeRecord({ db, reads, commit, queue, endpointId, id, change, conditions }: MergeRequest): Promise<WriteResult> {
  const attemptsMax = conditions.check ? CHECKED_ATTEMPTS_MAX : UNLOCKED_ATTEMPTS_MAX;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const result = await changeOnce({ reads, commit, endpointId, id, change, conditions });
    // The caller's own condition failed, so another attempt would fail too.
    if (result.outcome !== "version_conflict" || conditions.expectedVersion !== undefined) return result;
  }
  if (conditions.check) throw new AppError("server_busy", { detail: "The record is changed too often. Try again shortly." });
  const changeLocked = () =>
    db.$transaction(async (tx) => {
      // A separate statement: a statement that waits for a lock still reads the state from before the wait.
      await tx.$queryRawUnsafe(LOCK_ENDPOINT, endpointId);
      return changeOnce({ reads: tx, commit: (...request) => tx.record.commit(...request), endpointId, id, change, conditions });
    });
  return queue.run(endpointId, changeLocked);
}

async function changeOnce({
  reads,
  commit,
  endpointId,
  id,
  change,
  conditions: { expectedVersion, onlyOwner, check },
}: Omit<MergeRequest, "db" | "queue">): Promise<WriteResult> {
  const [row] = await reads.$queryRawUnsafe<Row[]>(READ, endpointId, id);
  if (!row) return { outcome: "endpoint_not_found" };
  if (row.version === null) return { outcome: "record_not_found" };
  const { version, owner, ...current } = row;
  if (onlyOwner !== undefined && owner !== onlyOwner) return { outcome: "access_denied" };
  if (expectedVersion !== undefined && version !== expectedVersion) return { outcome: "version_conflict" };
  const data = await change(current);
  await check?.(data);
  const write = { type: "PUT", id, contentType: current.contentType, data, expectedVersion: version, onlyOwner } as const;
  const [result] = await commit(endpointId, [write]);
  if (!result) throw new Error(`record_commit returned no row for a merge at endpoint ${endpointId}`);
  return result;
}
