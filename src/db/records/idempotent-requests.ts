/** Stores the responses to POSTs with an Idempotency-Key (R9) for IDEMPOTENCY_HOURS. */
import type { IdempotencyKey, StoredResponse } from "@/src/core/records/ports";
import type { DbTransaction } from "@/src/db/client";
import { isRowBusyError } from "@/src/db/errors";
import type { RawStatements } from "@/src/db/raw-statements";
import type { Read } from "@/src/db/read";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { nameStatement } from "@/src/db/statement";
import { IDEMPOTENCY_HOURS } from "@/src/shared/streams/protocol";

const SWEEP_BATCH = 1000;

const FIND = nameStatement(
  "rested_find_response",
  `SELECT fingerprint = $3::bytea AS "isSame", answer FROM "IdempotentRequest"
  WHERE "endpointId" = $1::uuid AND hash = $2::bytea AND "createdAt" > now() - make_interval(hours => $4::int)`,
);

// An expired response that is not swept yet is replaced.
const STORE = nameStatement(
  "rested_store_response",
  `INSERT INTO "IdempotentRequest" AS r ("endpointId", hash, fingerprint, answer) VALUES ($1::uuid, $2::bytea, $3::bytea, $4)
  ON CONFLICT ("endpointId", hash) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, "createdAt" = now()
    WHERE r."createdAt" <= now() - make_interval(hours => $5::int)
  RETURNING 1 AS stored`,
);

/** The endpoints of the oldest responses. Those of deleted endpoints are deleted with them. */
const FIND_EXPIRED = nameStatement(
  "rested_find_expired_responses",
  `SELECT DISTINCT old."endpointId"::text AS id FROM (
    SELECT i."endpointId" FROM "IdempotentRequest" i JOIN "Endpoint" e ON e.id = i."endpointId" AND e."projectId" IS NOT NULL
    WHERE i."createdAt" <= now() - make_interval(hours => $1::int) ORDER BY i."createdAt" LIMIT $2::int) AS old`,
);

// Locks the endpoint's row first, which counts the bytes of its responses. Writers lock it first, too.
const SWEEP = nameStatement(
  "rested_sweep_responses",
  `WITH held AS MATERIALIZED (SELECT id FROM "Endpoint" WHERE id = $1::uuid FOR NO KEY UPDATE)
  DELETE FROM "IdempotentRequest" i USING held WHERE i."endpointId" = held.id AND i.hash IN (
    SELECT hash FROM "IdempotentRequest" WHERE "endpointId" = $1::uuid AND "createdAt" <= now() - make_interval(hours => $2::int) LIMIT $3::int)`,
);

/** The stored response of a request. Undefined if there is none or it has expired. */
export async function findStoredResponse(
  read: Read,
  endpointId: string,
  { hash, fingerprint }: IdempotencyKey,
): Promise<StoredResponse | undefined> {
  const [row] = await read<{ isSame: boolean; answer: string }>(FIND, [endpointId, hash, fingerprint, IDEMPOTENCY_HOURS]);
  if (!row) return undefined;
  return row.isSame ? { outcome: "replayed", response: row.answer } : { outcome: "reused" };
}

/**
 * Stores the response of a request in the transaction that executes it, after its writes, so that the key is locked only briefly. Returns false if
 * the key is used by now; then the transaction must be rolled back. Waits for another transaction that is storing the same key.
 */
export async function storeResponse(
  tx: Pick<DbTransaction, "$queryRawUnsafe">,
  endpointId: string,
  { hash, fingerprint }: IdempotencyKey,
  response: string,
): Promise<boolean> {
  const rows = await tx.$queryRawUnsafe<unknown[]>(STORE, endpointId, hash, fingerprint, response, IDEMPOTENCY_HOURS);
  return rows.length > 0;
}

/**
 * Deletes expired responses in batches. Several servers may run it at the same time. Each batch is queued among the endpoint's writers; otherwise an
 * endpoint under constant writes would never be swept. If the queue rejects it, the next sweep continues.
 */
export async function sweepIdempotentRequests({ db, queue }: { db: RawStatements; queue: Pick<EndpointQueue, "run"> }): Promise<void> {
  const sweep = (id: string) => queue.run(id, async () => db.$executeRawUnsafe(SWEEP, id, IDEMPOTENCY_HOURS, SWEEP_BATCH));
  for (let swept = 1; swept > 0; ) {
    const endpoints = await db.$queryRawUnsafe<{ id: string }[]>(FIND_EXPIRED, IDEMPOTENCY_HOURS, SWEEP_BATCH);
    swept = 0;
    for (const { id } of endpoints) {
      swept += await sweep(id).catch((error: unknown) => {
        if (isRowBusyError(error)) return 0;
        throw error;
      });
    }
  }
}
