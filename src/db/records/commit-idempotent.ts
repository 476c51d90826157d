/** Carries a request out once (R9): its records and what it answers are committed together, or not at all. It must not know HTTP. */
import type { IdempotencyKey, IdempotentResult, StoredRecord, WriteResult } from "@/src/core/records/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { Read } from "@/src/db/read";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { findStoredResponse, remember } from "@/src/db/records/idempotent-requests";

/** Another request has the key: the transaction is rolled back. */
const TAKEN = Symbol("taken");
/** So often what took the key may be too old to answer with, or be swept, before it can be read. */
const ATTEMPTS_MAX = 3;

/** What is to be done once. */
export interface OnceRequest {
  endpointId: string;
  once: IdempotencyKey;
  /** Bytes of data that it holds while it waits. */
  bytes: number;
  /** Writes; anything but `ok` in what it answers means that nothing is remembered. It may be called again, after a rollback. */
  commit: (tx: DbTransaction) => Promise<WriteResult[]>;
  /** What to remember of the new records. */
  toAnswer: (records: readonly StoredRecord[]) => string;
}

/** Commits, unless that was done before: then what it answered is known. Requests that come at the same time wait for each other; while they wait they hold no connection. */
export async function commitIdempotent(
  { db, read, queue }: { db: Db; read: Read; queue: EndpointQueue },
  request: OnceRequest,
): Promise<IdempotentResult> {
  const { endpointId, once, bytes } = request;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const transact = () => db.$transaction((tx) => commitUnlessTaken(tx, request));
    const results = await queue.run(endpointId, transact, bytes).catch((error: unknown) => {
      if (error === TAKEN) return undefined;
      throw error;
    });
    if (results) return { outcome: "written", results };
    const remembered = await findStoredResponse(read, endpointId, once);
    if (remembered) return remembered;
  }
  throw new Error(`An Idempotency-Key of endpoint ${endpointId} could neither be stored nor found`);
}

async function commitUnlessTaken(tx: DbTransaction, { endpointId, once, commit, toAnswer }: OnceRequest): Promise<WriteResult[]> {
  // The endpoint's row is locked from here on: who has the same key waits, and finds it taken.
  const results = await commit(tx);
  const records = results.flatMap((result) => (result.outcome === "ok" ? [result.change.record] : []));
  if (records.length < results.length) return results;
  if (!(await remember(tx, endpointId, once, toAnswer(records)))) throw TAKEN;
  return results;
}
