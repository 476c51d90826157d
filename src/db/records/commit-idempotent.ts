/** Executes a request only once (R9): its records and its stored response are committed together or not at all. */
import type { IdempotencyKey, IdempotentResult, StoredRecord, WriteResult } from "@/src/core/records/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import type { Read } from "@/src/db/read";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { findStoredResponse, storeResponse } from "@/src/db/records/idempotent-requests";

/** Another request has used the key. The transaction is rolled back. */
const TAKEN = Symbol("taken");
/** How often to try again if the response of the other request expired or was swept before it could be read. */
const ATTEMPTS_MAX = 3;

/** A request to execute only once. */
export interface IdempotentRequest {
  endpointId: string;
  idempotencyKey: IdempotencyKey;
  /** The number of data bytes that it holds while it waits. */
  bytes: number;
  /** Performs the writes. With any outcome but `ok`, no response is stored. May be called again after a rollback. */
  commit: (tx: DbTransaction) => Promise<WriteResult[]>;
  /** Creates the response to store. */
  toResponse: (records: readonly StoredRecord[]) => string;
}

/**
 * Commits, unless the request was already executed; then returns its stored response. Concurrent requests wait for each other without holding a
 * connection.
 */
export async function commitIdempotent(
  { db, read, queue }: { db: Db; read: Read; queue: EndpointQueue },
  request: IdempotentRequest,
): Promise<IdempotentResult> {
  const { endpointId, idempotencyKey, bytes } = request;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const transact = () => db.$transaction((tx) => commitUnlessTaken(tx, request));
    const results = await queue.run(endpointId, transact, bytes).catch((error: unknown) => {
      if (error === TAKEN) return undefined;
      throw error;
    });
    if (results) return { outcome: "written", results };
    const stored = await findStoredResponse(read, endpointId, idempotencyKey);
    if (stored) return stored;
  }
  throw new Error(`An Idempotency-Key of endpoint ${endpointId} could neither be stored nor found`);
}

async function commitUnlessTaken(
  tx: DbTransaction,
  { endpointId, idempotencyKey, commit, toResponse }: IdempotentRequest,
): Promise<WriteResult[]> {
  // The endpoint's row is locked from here on. A concurrent request with the same key waits and then finds the key used.
  const results = await commit(tx);
  const records = results.flatMap((result) => (result.outcome === "ok" ? [result.change.record] : []));
  if (records.length < results.length) return results;
  if (!(await storeResponse(tx, endpointId, idempotencyKey, toResponse(records)))) throw TAKEN;
  return results;
}
