/** Tells the receivers of webhooks that changes of a deleted endpoint will not arrive (H1, H3). */
import { randomUUID } from "node:crypto";
import type { Clock } from "@/src/core/clock";
import { toGapEvent } from "@/src/core/webhooks/events";
import type { LogMark } from "@/src/core/webhooks/ports";
import type { DbTransaction } from "@/src/db/client";

interface DeletedEndpoint {
  id: string;
  projectId: string;
  name: string;
  /** The end of its log. `epoch` has 32 hex digits. */
  epoch: string;
  seq: number;
}

interface BehindRow {
  id: string;
  epoch: string | null;
  seq: string | null;
  proof: string | null;
  parked: string | null;
}

/** Parks a GAP for each webhook that has not delivered all changes of the endpoint, in the transaction that deletes it. */
export async function leaveGaps(
  tx: Pick<DbTransaction, "$queryRaw" | "$executeRaw">,
  endpoint: DeletedEndpoint,
  clock: Clock,
): Promise<void> {
  const { id: endpointId, projectId, name: endpointName, epoch, seq } = endpoint;
  const behind = await tx.$queryRaw<BehindRow[]>`
    SELECT w.id::text AS id, wire_id(p.epoch) AS epoch, p.seq::text AS seq, p.proof, parked.seq::text AS parked
    FROM "Webhook" w LEFT JOIN "WebhookPosition" p ON p."webhookId" = w.id AND p."endpointId" = ${endpointId}::uuid
    CROSS JOIN LATERAL (SELECT min(d.seq) AS seq FROM "WebhookDelivery" d
      WHERE d."webhookId" = w.id AND d."endpointId" = ${endpointId}::uuid AND d.state IN ('retrying', 'waiting')) AS parked
    WHERE w."projectId" = ${projectId}::uuid AND (w."allEndpoints" OR ${endpointId}::uuid = ANY (w."endpointIds"))
      AND (coalesce(p.seq, 0) <> ${seq}::bigint OR p.epoch <> ${epoch}::uuid OR parked.seq IS NOT NULL)
    ORDER BY w.id FOR UPDATE OF w`;
  for (const row of behind) {
    const gap = { endpointId, endpointName, from: toStart(row, epoch), to: { epoch, seq, proof: undefined }, at: clock.now() };
    const { id: eventId, body } = toGapEvent({ ...gap, reason: "endpoint_deleted" });
    await tx.$executeRaw`
      INSERT INTO "WebhookDelivery" (id, "webhookId", "endpointId", "eventId", epoch, seq, type, state, attempts, "nextAt", body)
      VALUES (${randomUUID()}::uuid, ${row.id}::uuid, ${endpointId}::uuid, ${eventId}, ${epoch}::uuid, ${seq}::bigint, 'GAP', 'retrying', 0, clock_timestamp(), ${body})
      ON CONFLICT ("webhookId", "eventId") DO UPDATE SET state = 'retrying', "nextAt" = EXCLUDED."nextAt", body = EXCLUDED.body`;
    // The node that delivers it reloads what it has to do.
    await tx.$executeRaw`UPDATE "Webhook" SET revision = revision + 1, "isBlocked" = false WHERE id = ${row.id}::uuid`;
  }
}

/** The place after which changes are missing: before the first parked one, or where the webhook has read to. */
function toStart({ epoch, seq, proof, parked }: BehindRow, current: string): LogMark {
  const read: LogMark =
    epoch === null || seq === null ? { epoch: current, seq: 0, proof: undefined } : { epoch, seq: Number(seq), proof: proof ?? undefined };
  if (parked === null || Number(parked) > read.seq) return read;
  return { epoch: read.epoch, seq: Number(parked) - 1, proof: undefined };
}
