/** Replaces a record by what a function makes of it, without losing an update in between. It must not know how JSON is merged. */
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

/** So often a record may change between read and write; then the endpoint is locked. */
const UNLOCKED_ATTEMPTS_MAX = 5;
/** The same where results are checked: nobody else waits for a check, so there is no lock at last. */
const CHECKED_ATTEMPTS_MAX = 30;

/** Merges of one record at once; each holds what it merges. */
const MERGES_MAX = 200;

const LOCK_ENDPOINT = nameStatement("rested_lock_endpoint", `SELECT 1 AS found FROM "Endpoint" WHERE id = $1::uuid FOR NO KEY UPDATE`);

/** No row: no endpoint. Nulls: no record. */
const READ = nameStatement(
  "rested_read_for_merge",
  `SELECT r.version, r."contentType"::text AS "contentType", r.data::text AS data, wire_id(r."ownerId") AS owner
  FROM "Endpoint" e LEFT JOIN "Record" r ON r.id = $2::uuid AND r."endpointId" = e.id WHERE e.id = $1::uuid AND e."projectId" IS NOT NULL`,
);

type Row = { version: number; contentType: RecordKind; data: string; owner: string | null } | { version: null };

/**
 * A merge reads, then writes on the condition that the version is still the same, and tries again when it is not: no lock is held between
 * the two, and the write can share a commit. Merges of one record take turns within this process, so that they don't undo each other's attempts;
 * while they wait they hold no connection.
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
  /** Of each record that has any merge: the last one, and how many there are. */
  const merges = new Map<string, { last: Promise<WriteResult>; count: number }>();

  return (endpointId, id, change, conditions = {}) => {
    const run = () => mergeRecord({ db, reads, commit, queue, endpointId, id, change, conditions });
    const before = merges.get(id);
    if (before && before.count >= MERGES_MAX)
      return Promise.reject(createRowBusyError("Too many merges of this record are waiting. Send fewer at once, or try again shortly."));
    const mine = before?.last.then(run, (error) => {
      // Whoever waits behind a merge that found the database away, or the endpoint's row held for too long, must not wait for as long again.
      if ((isAppError(error) && error.code === "database_unavailable") || isRowBusyError(error)) throw error;
      return run();
    });
    const turn = mine ?? run();
    const all = { last: turn, count: (before?.count ?? 0) + 1 };
    merges.set(id, all);
    const leave = () => {
      const now = merges.get(id);
      if (!now) return;
      now.count -= 1;
      if (now.count === 0) merges.delete(id);
    };
    turn.then(leave, leave);
    return turn;
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
    // The caller's own condition failed: another attempt would find nothing else.
    if (result.outcome !== "version_conflict" || conditions.expectedVersion !== undefined) return result;
  }
  if (conditions.check) throw new AppError("server_busy", { detail: "The record is changed too often. Try again shortly." });
  const changeLocked = () =>
    db.$transaction(async (tx) => {
      // By a statement of its own: one that waits for a lock goes on to read what there was before it waited.
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
