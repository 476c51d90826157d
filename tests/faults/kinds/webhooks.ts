/** Webhooks go out to a receiver that fails at times, while nodes are killed and PostgreSQL restarts. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { createSecretBox } from "@/src/core/secrets/secret-box";
import { createWebhookSecret, toSecretPurpose } from "@/src/core/webhooks/signature";
import { parseCursor } from "@/src/shared/streams/cursor";
import { until } from "@/tests/support/until";
import { type Received, startReceiver, type WebhookReceiver } from "@/tests/support/webhooks/webhook-receiver";
import { type Fault, RECOVERY_TIMEOUT_MS, type Scene } from "../fault";
import { type ArrivedEvent, type DeliveryVerdict, judgeEvents } from "../judge-deliveries";
import { readTruth } from "../settle";
import { killAtRandom } from "./kill-at-random";

/** How long the receiver works on an event, at most. */
const REPLY_MS_MAX = 30;

export const killWhileDelivering: Fault = {
  name: "kill-webhooks",
  title: "`kill -9` of nodes and a restart of PostgreSQL at random while webhooks go out to a receiver that fails at times",
  needs: {},
  delivers: "changes by webhook",
  load: { paceMs: 50, padBytes: 100 },
  writesAround: 40,
  inject: async (scene) => {
    const receiver = await startReceiver();
    const arrived: Arrived[] = [];
    const receiving = answer(scene, receiver, arrived);
    try {
      const { webhookId, secret } = await createWebhook(scene, receiver.url);
      const endedAt = await killAtRandom(scene, () => arrived.length);
      return {
        endedAt,
        deliveries: async () => {
          try {
            receiving.calm();
            return await judgeRun({ scene, arrived, webhookId, secret });
          } finally {
            await receiver.close();
          }
        },
      };
    } catch (error) {
      await receiver.close();
      throw error;
    }
  },
};

interface Arrived {
  received: Received;
  arrivedAt: number;
  confirmedAt: number | undefined;
}

/** Confirms most events after a moment, refuses some, and loses the responses to others. `calm`: confirms all from then on. */
function answer({ random }: Scene, receiver: WebhookReceiver, arrived: Arrived[]): { calm(): void } {
  let isCalm = false;
  let count = 0;
  receiver.respond((response, received) => {
    const entry: Arrived = { received, arrivedAt: ++count, confirmedAt: undefined };
    arrived.push(entry);
    const chance = isCalm ? 1 : random();
    void delay(random() * REPLY_MS_MAX).then(() => {
      if (chance < 0.01) response.writeHead(500).end();
      else if (chance < 0.02) response.destroy();
      else {
        entry.confirmedAt = ++count;
        response.writeHead(204).end();
      }
    });
  });
  return {
    calm: () => {
      isCalm = true;
    },
  };
}

/** A webhook of the open endpoint, from its first change on. */
async function createWebhook({ deployment, targets: { open } }: Scene, url: string): Promise<{ webhookId: string; secret: string }> {
  const [webhookId, secret] = [randomUUID(), createWebhookSecret()];
  const sealed = createSecretBox({ secret: deployment.secret }).seal(toSecretPurpose(webhookId), secret);
  await deployment.postgres.pool.query(
    `INSERT INTO "Webhook" (id, "projectId", url, "allEndpoints", "endpointIds", operations, secret)
     VALUES ($1, $2, $3, false, ARRAY[$4::uuid], ARRAY['POST', 'PUT', 'DELETE']::"ChangeType"[], $5)`,
    [webhookId, deployment.world.projectId, url, open.endpointId, Buffer.from(sealed)],
  );
  return { webhookId, secret };
}

/** Waits until the webhook has delivered everything, and nothing is written any more. */
async function judgeRun({
  scene: { deployment, targets },
  arrived,
  webhookId,
  secret,
}: {
  scene: Scene;
  arrived: readonly Arrived[];
  webhookId: string;
  secret: string;
}): Promise<DeliveryVerdict> {
  const { pool } = deployment.postgres;
  const isDone = async () => {
    const { rowCount } = await pool.query(
      `SELECT 1 FROM "Endpoint" e JOIN "WebhookPosition" p ON p."endpointId" = e.id AND p."webhookId" = $1 AND p.seq = e.seq
       WHERE e.id = $2 AND NOT EXISTS (SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = $1 AND d.state <> 'delivered')`,
      [webhookId, targets.open.endpointId],
    );
    return rowCount === 1;
  };
  await until("the webhook to deliver everything", isDone, { timeoutMs: RECOVERY_TIMEOUT_MS });
  const { log } = await readTruth(pool, targets.open);
  await pool.query(`DELETE FROM "Webhook" WHERE id = $1`, [webhookId]);
  const verifier = new Webhook(secret);
  return judgeEvents({ log, arrived: arrived.map((each) => toArrivedEvent(each, verifier)) });
}

function toArrivedEvent({ received: { id, text, headers }, arrivedAt, confirmedAt }: Arrived, verifier: Webhook): ArrivedEvent {
  const { type, cursor, record } = JSON.parse(text) as { type: string; cursor: string; record?: { uniqueId: string; data: unknown } };
  return {
    ...{ id, text, type, arrivedAt, confirmedAt },
    seq: parseCursor(cursor)?.seq ?? Number.NaN,
    recordId: record?.uniqueId ?? "",
    data: JSON.stringify(record?.data ?? null),
    isSigned: isSigned(verifier, text, headers),
  };
}

function isSigned(verifier: Webhook, text: string, headers: Record<string, string>): boolean {
  try {
    verifier.verify(text, headers);
    return true;
  } catch {
    return false;
  }
}
