/** Sends a test event to the receiver of a webhook (H8). */
import { toRateError } from "@/src/core/access/rate-limit-policy";
import type { Clock } from "@/src/core/clock";
import type { RateLimiter } from "@/src/core/limits/ports";
import type { SendTestEvent } from "@/src/core/webhooks/ports";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { WebhookTested } from "@/src/shared/management/webhooks";

const TESTS_PER_MINUTE = 6;

/** Returns how the receiver responded, or why it did not. Nothing is stored. Throws `not_found`, `rate_limited` and `server_busy`. */
export async function testWebhook({
  db,
  webhooks,
  limiter,
  clock,
  ownerId,
  webhookId,
  signal,
}: {
  db: Pick<Db, "webhook">;
  webhooks: { test: SendTestEvent };
  limiter: RateLimiter;
  clock: Clock;
  ownerId: string;
  webhookId: string;
  signal: AbortSignal;
}): Promise<WebhookTested> {
  const row = await db.webhook.findFirst({ where: { id: webhookId, project: { ownerId } } });
  if (!row) throw new AppError("not_found");
  const verdict = await limiter.take(`webhook test ${ownerId}`, TESTS_PER_MINUTE);
  if (!verdict.allowed) throw toRateError(verdict);
  const { id, url, secret, previousSecret, previousSecretUntil } = row;
  const isTwice = previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > clock.now();
  return webhooks.test({ id, ownerId, url, sealedSecrets: isTwice ? [secret, previousSecret] : [secret] }, signal);
}
