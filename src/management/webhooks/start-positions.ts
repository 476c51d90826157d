/** Finds the places in the logs at which a webhook begins, or from which it replays: now, a time, or a cursor (H1). */
import type { Clock } from "@/src/core/clock";
import { toProof } from "@/src/core/streams/change-proof";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { parseCursor, toEpoch } from "@/src/shared/streams/cursor";

export interface StartPosition {
  endpointId: string;
  /** With or without the dashes of a UUID. */
  epoch: string;
  seq: number;
  proof: string | null;
}

/** An endpoint of a webhook. */
export interface WebhookEndpoint {
  id: string;
  epoch: string;
  seq: bigint;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Returns the places for `from`. A cursor applies to the endpoint that it is of, and the other endpoints are not in the result. A time selects the changes that
 * were committed at or after it. Throws `fields_invalid` for the field `from`.
 */
export async function findStartPositions({
  db,
  changes,
  clock,
  endpoints,
  from,
}: {
  db: Pick<Db, "$queryRaw">;
  changes: Pick<ChangeLog, "positions">;
  clock: Clock;
  endpoints: readonly WebhookEndpoint[];
  from: string;
}): Promise<StartPosition[]> {
  if (from === "now") return findEnds(changes, endpoints);
  if (TIME.test(from) && !Number.isNaN(Date.parse(from))) {
    const time = new Date(from);
    if (time > clock.now()) throw refuse("Use a time that has passed, or now.");
    return findTimes(db, endpoints, time);
  }
  const cursor = parseCursor(from);
  if (!cursor) throw refuse("Use now, a cursor, or a time like 2030-01-31T12:00:00Z.");
  const endpoint = endpoints.find(({ epoch }) => toEpoch(epoch) === cursor.epoch);
  if (!endpoint) throw refuse("This cursor is not of an endpoint of the webhook. Use one that the endpoint has sent, or a time.");
  if (BigInt(cursor.seq) > endpoint.seq) throw refuse("This cursor is ahead of the endpoint's log.");
  return [{ endpointId: endpoint.id, epoch: cursor.epoch, seq: cursor.seq, proof: cursor.proof ?? null }];
}

async function findEnds(changes: Pick<ChangeLog, "positions">, endpoints: readonly WebhookEndpoint[]): Promise<StartPosition[]> {
  const found = await changes.positions(endpoints.map(({ id }) => id));
  return [...found].map(([endpointId, { epoch, seq, proof }]) => ({ endpointId, epoch, seq, proof: proof ?? null }));
}

/** Before the first change that is still known, the webhook begins at 0, and its first event is a GAP if some changes have expired. */
async function findTimes(db: Pick<Db, "$queryRaw">, endpoints: readonly WebhookEndpoint[], time: Date): Promise<StartPosition[]> {
  const ids = endpoints.map(({ id }) => id);
  const rows = await db.$queryRaw<{ endpointId: string; epoch: string; seq: bigint | null; recordId: string | null; at: string | null }[]>`
    SELECT e.id AS "endpointId", e.epoch, last.seq, wire_id(last."recordId") AS "recordId", wire_time(last.at) AS at
    FROM "Endpoint" e LEFT JOIN LATERAL (
      (SELECT c.seq, c."recordId", c.at FROM "Change" c WHERE c."endpointId" = e.id AND c.at < ${time} ORDER BY c.seq DESC LIMIT 1)
      UNION ALL
      (SELECT x.seq, x."recordId", x.at FROM "ExpiredChange" x WHERE x."endpointId" = e.id AND x.at < ${time})
      LIMIT 1) AS last ON true
    WHERE e.id = ANY (${ids}::uuid[]) AND e."projectId" IS NOT NULL`;
  return rows.map(({ endpointId, epoch, seq, recordId, at }) => {
    if (seq === null || recordId === null || at === null) return { endpointId, epoch, seq: 0, proof: null };
    return { endpointId, epoch, seq: Number(seq), proof: toProof({ recordId, seq: Number(seq), at }) };
  });
}

function refuse(problem: string): AppError {
  return new AppError("fields_invalid", { detail: `Some fields are not valid. from: ${problem}`, fields: { from: problem } });
}
