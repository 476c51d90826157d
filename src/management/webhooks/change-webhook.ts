/** Changes, pauses, resumes, replays and deletes webhooks (H1). A node that delivers one notices with its next round. */
import type { Clock } from "@/src/core/clock";
import type { ChangeLog } from "@/src/core/streams/ports";
import type { Db, DbTransaction } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { WebhookPatch, WebhookView } from "@/src/shared/management/webhooks";
import { pickDefined } from "../support";
import { checkWebhook, type WebhookChecks, writePositions } from "./create-webhook";
import { readWebhook } from "./own-webhook";
import { findStartPositions } from "./start-positions";
import { findEndpoints } from "./webhook-endpoints";

interface OwnWebhook {
  ownerId: string;
  webhookId: string;
}

type Tx = Pick<DbTransaction, "webhook" | "$queryRaw" | "$executeRaw">;

/** Locks the row, so that a round of the node that delivers is stored before or after the change. Throws `not_found`. */
async function lockWebhook(tx: Tx, { ownerId, webhookId }: OwnWebhook) {
  await tx.$executeRaw`SELECT 1 FROM "Webhook" WHERE id = ${webhookId}::uuid FOR UPDATE`;
  const row = await tx.webhook.findFirst({
    where: { id: webhookId, project: { ownerId } },
    select: { projectId: true, allEndpoints: true, endpointIds: true, state: true },
  });
  if (!row) throw new AppError("not_found");
  return row;
}

/** Part of every change: the node reloads the webhook, and does not wait any longer. */
const RELOAD = { revision: { increment: 1 }, holdUntil: null, isBlocked: false } as const;

/** Deliveries that wait for their next try are tried now. */
async function retryNow(tx: Tx, webhookId: string, { restart = false } = {}): Promise<void> {
  await tx.$executeRaw`
    UPDATE "WebhookDelivery" SET "nextAt" = clock_timestamp(), "firstAt" = CASE WHEN ${restart} THEN clock_timestamp() ELSE "firstAt" END
    WHERE "webhookId" = ${webhookId}::uuid AND state = 'retrying'`;
}

/**
 * Returns the changed webhook. Endpoints that are added begin now. With a new address, parked deliveries are sent to it at once. Throws `not_found`,
 * `fields_invalid`, and the errors of the filter.
 */
export async function updateWebhook({
  db,
  changes,
  clock,
  checks,
  ownerId,
  webhookId,
  input,
}: OwnWebhook & {
  db: Pick<Db, "endpoint" | "$queryRaw" | "$transaction">;
  changes: Pick<ChangeLog, "positions">;
  clock: Clock;
  checks: WebhookChecks;
  input: WebhookPatch;
}): Promise<WebhookView> {
  const { projectId } = await readWebhook({ db, ownerId, webhookId });
  const { url, filter, operations, endpoints: names } = input;
  await checkWebhook(checks, { url, filter, ownerId, projectId });
  const endpoints = names === undefined ? undefined : await findEndpoints(db, projectId, names);
  const ends = endpoints && (await findStartPositions({ db, changes, clock, endpoints, from: "now" }));
  await db.$transaction(async (tx) => {
    const before = await lockWebhook(tx, { ownerId, webhookId });
    if (ends && endpoints) {
      const had = new Set(before.endpointIds);
      const added = before.allEndpoints ? [] : ends.filter(({ endpointId }) => !had.has(endpointId));
      await writePositions(tx, webhookId, added);
      const kept = endpoints.map(({ id }) => id);
      await tx.$executeRaw`DELETE FROM "WebhookPosition" WHERE "webhookId" = ${webhookId}::uuid AND NOT "endpointId" = ANY (${kept}::uuid[])`;
      await tx.webhook.update({
        where: { id: webhookId },
        data: { allEndpoints: names === null, endpointIds: names === null ? [] : kept },
      });
    }
    await tx.webhook.update({ where: { id: webhookId }, data: { ...pickDefined({ url, filter, operations }), ...RELOAD } });
    if (url !== undefined) await retryNow(tx, webhookId);
  });
  return readWebhook({ db, ownerId, webhookId });
}

/** Pauses it: after the requests in progress, nothing is sent. Throws `not_found`. */
export async function pauseWebhook({ db, ...own }: OwnWebhook & { db: Pick<Db, "$queryRaw" | "$transaction"> }): Promise<WebhookView> {
  await db.$transaction(async (tx) => {
    const { state } = await lockWebhook(tx, own);
    if (state === "paused") return;
    const data = { state: "paused", pausedReason: "owner", pausedDetail: null, ...RELOAD } as const;
    await tx.webhook.update({ where: { id: own.webhookId }, data });
  });
  return readWebhook({ db, ...own });
}

/** Resumes it where it was paused. Parked deliveries are tried at once, for up to another 24 hours. Throws `not_found`. */
export async function resumeWebhook({ db, ...own }: OwnWebhook & { db: Pick<Db, "$queryRaw" | "$transaction"> }): Promise<WebhookView> {
  await db.$transaction(async (tx) => {
    const { state } = await lockWebhook(tx, own);
    if (state === "active") return;
    await tx.webhook.update({ where: { id: own.webhookId }, data: { state: "active", pausedReason: null, pausedDetail: null, ...RELOAD } });
    await retryNow(tx, own.webhookId, { restart: true });
  });
  return readWebhook({ db, ...own });
}

/**
 * Moves it to another place in the logs: all endpoints for a time or `now`, one for a cursor. Changes after that place are delivered again, with the same ids.
 * Throws `not_found`, and `fields_invalid` for the field `from`.
 */
export async function replayWebhook({
  db,
  changes,
  clock,
  from,
  ...own
}: OwnWebhook & {
  db: Pick<Db, "endpoint" | "$queryRaw" | "$transaction">;
  changes: Pick<ChangeLog, "positions">;
  clock: Clock;
  from: string;
}): Promise<WebhookView> {
  const { projectId, endpoints: names } = await readWebhook({ db, ...own });
  const endpoints = await findEndpoints(db, projectId, names);
  const positions = await findStartPositions({ db, changes, clock, endpoints, from });
  await db.$transaction(async (tx) => {
    await lockWebhook(tx, own);
    await writePositions(tx, own.webhookId, positions);
    await tx.webhook.update({ where: { id: own.webhookId }, data: RELOAD });
  });
  return readWebhook({ db, ...own });
}

/** Deletes it with its parked and its finished deliveries. Throws `not_found`. */
export async function deleteWebhook({ db, ownerId, webhookId }: OwnWebhook & { db: Pick<Db, "webhook"> }): Promise<void> {
  const { count } = await db.webhook.deleteMany({ where: { id: webhookId, project: { ownerId } } });
  if (count === 0) throw new AppError("not_found");
}
