/** What POSTs with an Idempotency-Key answered (R9), kept for IDEMPOTENCY_HOURS. It must not know what an answer says. */
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

// One that is too old and not swept yet makes room.
const STORE = nameStatement(
  "rested_store_response",
  `INSERT INTO "IdempotentRequest" AS r ("endpointId", hash, fingerprint, answer) VALUES ($1::uuid, $2::bytea, $3::bytea, $4)
  ON CONFLICT ("endpointId", hash) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, "createdAt" = now()
    WHERE r."createdAt" <= now() - make_interval(hours => $5::int)
  RETURNING 1 AS remembered`,
);

/** The endpoints of the oldest ones. Those of deleted endpoints go with them. */
const FIND_OLD = nameStatement(
  "rested_find_old_once",
  `SELECT DISTINCT old."endpointId"::text AS id FROM (
    SELECT i."endpointId" FROM "IdempotentRequest" i JOIN "Endpoint" e ON e.id = i."endpointId" AND e."projectId" IS NOT NULL
    WHERE i."createdAt" <= now() - make_interval(hours => $1::int) ORDER BY i."createdAt" LIMIT $2::int) AS old`,
);

// The endpoint's row first, which counts the bytes of its answers: writers take it first, too.
const SWEEP = nameStatement(
  "rested_sweep_once",
  `WITH held AS MATERIALIZED (SELECT id FROM "Endpoint" WHERE id = $1::uuid FOR NO KEY UPDATE)
  DELETE FROM "IdempotentRequest" i USING held WHERE i."endpointId" = held.id AND i.hash IN (
    SELECT hash FROM "IdempotentRequest" WHERE "endpointId" = $1::uuid AND "createdAt" <= now() - make_interval(hours => $2::int) LIMIT $3::int)`,
);

/** What is remembered of a request; undefined: nothing, or no longer. */
export async function findStoredResponse(
  read: Read,
  endpointId: string,
  { hash, fingerprint }: IdempotencyKey,
): Promise<StoredResponse | undefined> {
  const [row] = await read<{ isSame: boolean; answer: string }>(FIND, [endpointId, hash, fingerprint, IDEMPOTENCY_HOURS]);
  if (!row) return undefined;
  return row.isSame ? { outcome: "repeated", answer: row.answer } : { outcome: "reused" };
}

/**
 * Remembers the answer of a request, in the transaction that carries it out; after its writes, so that no other request's key is held for long. False: the key is
 * taken by now, and the transaction has to be rolled back. Waits for another transaction that is about to remember the same key.
 */
export async function remember(
  tx: Pick<DbTransaction, "$queryRawUnsafe">,
  endpointId: string,
  { hash, fingerprint }: IdempotencyKey,
  answer: string,
): Promise<boolean> {
  const rows = await tx.$queryRawUnsafe<unknown[]>(STORE, endpointId, hash, fingerprint, answer, IDEMPOTENCY_HOURS);
  return rows.length > 0;
}

/**
 * Forgets the requests that are too old, one batch after the other. Several servers may do it at once. Each batch takes a turn among the endpoint's writers,
 * since an endpoint that is always written to would otherwise never be swept. One whose turn does not come is left for the next sweep.
 */
export async function sweepIdempotentRequests({ db, queue }: { db: RawStatements; queue: Pick<EndpointQueue, "run"> }): Promise<void> {
  const sweep = (id: string) => queue.run(id, async () => db.$executeRawUnsafe(SWEEP, id, IDEMPOTENCY_HOURS, SWEEP_BATCH));
  for (let swept = 1; swept > 0; ) {
    const endpoints = await db.$queryRawUnsafe<{ id: string }[]>(FIND_OLD, IDEMPOTENCY_HOURS, SWEEP_BATCH);
    swept = 0;
    for (const { id } of endpoints) {
      swept += await sweep(id).catch((error: unknown) => {
        if (isRowBusyError(error)) return 0;
        throw error;
      });
    }
  }
}
