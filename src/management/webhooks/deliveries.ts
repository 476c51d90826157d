/** Lists the deliveries of a webhook, and sends one again (H5). */
import type { ChangeLog } from "@/src/core/streams/ports";
import { toChangeEvent } from "@/src/core/webhooks/events";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import { DELIVERIES_LIMIT_MAX, DELIVERY_STATES, type DeliveryView, type WebhookDeliveries } from "@/src/shared/management/webhooks";
import { toEpoch } from "@/src/shared/streams/cursor";

const LIMIT_DEFAULT = 50;
/** The time and the id of the last delivery of a page. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NEXT = /^(\d{13})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

export interface DeliveriesQuery {
  state: DeliveryView["state"] | null;
  limit: number;
  before: { lastAt: Date; id: string } | null;
}

/** Throws `parameter_invalid`, with a problem for each wrong parameter. */
export function parseDeliveriesQuery(parameters: URLSearchParams): DeliveriesQuery {
  const problems: Record<string, string> = {};
  const sentState = parameters.get("state");
  const state = DELIVERY_STATES.find((each) => each === sentState) ?? null;
  if (sentState !== null && state === null) problems.state = `Use one of: ${DELIVERY_STATES.join(", ")}.`;
  const sentLimit = parameters.get("limit");
  const limit = sentLimit === null ? LIMIT_DEFAULT : /^\d{1,9}$/.test(sentLimit) ? Number(sentLimit) : 0;
  if (limit < 1 || limit > DELIVERIES_LIMIT_MAX) problems.limit = `Use a whole number from 1 to ${DELIVERIES_LIMIT_MAX}.`;
  const sentBefore = parameters.get("before");
  const [, ms, id] = NEXT.exec(sentBefore ?? "") ?? [];
  if (sentBefore !== null && id === undefined) problems.before = "Use next of the page before.";
  if (Object.keys(problems).length > 0) throw new AppError("parameter_invalid", { fields: problems });
  return { state, limit, before: id === undefined ? null : { lastAt: new Date(Number(ms)), id } };
}

interface DeliveryRow extends Omit<DeliveryView, "seq" | "firstAt" | "lastAt" | "nextAt"> {
  seq: bigint;
  firstAt: Date;
  lastAt: Date;
  nextAt: Date | null;
}

/** Returns a page of deliveries, those with the newest try first. Of deleted endpoints, only the gaps are listed. Throws `not_found`. */
export async function listWebhookDeliveries({
  db,
  ownerId,
  webhookId,
  state,
  limit,
  before,
}: DeliveriesQuery & { db: Pick<Db, "webhook" | "$queryRaw">; ownerId: string; webhookId: string }): Promise<WebhookDeliveries> {
  if (!(await db.webhook.findFirst({ where: { id: webhookId, project: { ownerId } }, select: { id: true } })))
    throw new AppError("not_found");
  const rows = await readRows(db, { webhookId, deliveryId: null, state, limit: limit + 1, before });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { deliveries: page.map(toView), next: rows.length > limit && last ? `${last.lastAt.getTime()}-${last.id}` : null };
}

function readRows(
  db: Pick<Db, "$queryRaw">,
  { webhookId, deliveryId, state, limit, before }: DeliveriesQuery & { webhookId: string; deliveryId: string | null },
): Promise<DeliveryRow[]> {
  return db.$queryRaw<DeliveryRow[]>`
    SELECT d.id, d."eventId", d."endpointId", coalesce(e.name, d.body::json ->> 'endpoint') AS endpoint, d.type, wire_id(d."recordId") AS "uniqueId", d.seq, d.state::text AS state, d.attempts,
      d.status, d.error, d.excerpt, d."durationMs", d."firstAt", d."lastAt", d."nextAt"
    FROM "WebhookDelivery" d LEFT JOIN "Endpoint" e ON e.id = d."endpointId" AND e."projectId" IS NOT NULL
    WHERE d."webhookId" = ${webhookId}::uuid AND (e.id IS NOT NULL OR d.type = 'GAP') AND (${deliveryId}::uuid IS NULL OR d.id = ${deliveryId}::uuid)
      AND (${state}::text IS NULL OR d.state::text = ${state}::text)
      AND (${before?.id ?? null}::uuid IS NULL OR (d."lastAt", d.id) < (${before?.lastAt ?? null}::timestamptz, ${before?.id ?? null}::uuid))
    ORDER BY d."lastAt" DESC, d.id DESC LIMIT ${limit}::int`;
}

function toView({ seq, firstAt, lastAt, nextAt, ...row }: DeliveryRow): DeliveryView {
  return {
    ...row,
    seq: Number(seq),
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
    nextAt: nextAt?.toISOString() ?? null,
  };
}

/**
 * Sends an event again as soon as possible, with its id, and with retries like the first time. It takes its place in the order of the changes of its record that
 * are not delivered yet. If the webhook is paused, it is sent when the webhook is resumed. Returns the delivery. Throws `not_found`, and `delivery_expired` if
 * the log no longer has the change.
 */
export async function resendDelivery({
  db,
  changes,
  ownerId,
  webhookId,
  deliveryId,
}: {
  db: Pick<Db, "webhook" | "endpoint" | "webhookDelivery" | "$queryRaw" | "$transaction">;
  changes: Pick<ChangeLog, "read">;
  ownerId: string;
  webhookId: string;
  deliveryId: string;
}): Promise<DeliveryView> {
  if (!UUID.test(deliveryId)) throw new AppError("not_found");
  const found = await db.webhookDelivery.findFirst({ where: { id: deliveryId, webhookId, webhook: { project: { ownerId } } } });
  const endpoint =
    found && (await db.endpoint.findFirst({ where: { id: found.endpointId, project: { ownerId } }, select: { name: true, epoch: true } }));
  // The gap of a deleted endpoint has its body.
  if (!found || (!endpoint && found.type !== "GAP")) throw new AppError("not_found");
  const { eventId, endpointId, recordId, seq } = found;
  const body =
    found.body ?? (endpoint && (await readBody(changes, { ...found, endpointName: endpoint.name, currentEpoch: endpoint.epoch })));
  if (body === null) throw new AppError("delivery_expired");
  await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT 1 FROM "Webhook" WHERE id = ${webhookId}::uuid FOR UPDATE`;
    const parked = {
      webhookId,
      endpointId,
      recordId,
      state: { in: ["retrying", "waiting"] as ("retrying" | "waiting")[] },
      eventId: { not: eventId },
    };
    const isFirst = (await tx.webhookDelivery.count({ where: { ...parked, seq: { lt: seq } } })) === 0;
    if (isFirst) await tx.webhookDelivery.updateMany({ where: { ...parked, seq: { gt: seq } }, data: { state: "waiting", nextAt: null } });
    const now = await tx.$queryRaw<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
    const turn = isFirst ? ({ state: "retrying", nextAt: now[0].now } as const) : ({ state: "waiting", nextAt: null } as const);
    await tx.webhookDelivery.updateMany({ where: { id: deliveryId }, data: { ...turn, body, attempts: 0, firstAt: now[0].now } });
    await tx.webhook.update({ where: { id: webhookId }, data: { revision: { increment: 1 }, holdUntil: null } });
  });
  const [row] = await readRows(db, { webhookId, deliveryId, state: null, limit: 1, before: null });
  if (!row) throw new AppError("not_found");
  return toView(row);
}

/** The body of a delivered event, from the log. */
async function readBody(
  changes: Pick<ChangeLog, "read">,
  event: { eventId: string; endpointId: string; endpointName: string; epoch: string; currentEpoch: string; seq: bigint },
): Promise<string> {
  const { endpointId, endpointName, seq } = event;
  const epoch = toEpoch(event.epoch);
  const [change] = epoch === toEpoch(event.currentEpoch) ? await changes.read(endpointId, Number(seq) - 1, 1) : [];
  const made = change && toChangeEvent(change, { endpointName, epoch });
  // Another change at this place has another id.
  if (made?.id !== event.eventId) throw new AppError("delivery_expired");
  return made.body;
}
