/** Mails go out through an SMTP server that loses connections, while nodes are killed and PostgreSQL restarts. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type MailServer, SmtpError, startMailServer } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";
import { type Fault, RECOVERY_TIMEOUT_MS, type Scene } from "../fault";
import { judgeStreams } from "../judge";
import { type AcknowledgedMail, type DeliveryVerdict, judgeMails } from "../judge-deliveries";
import { readTruth } from "../settle";
import { CheckingSubscriber } from "../subscriber";
import { killAtRandom } from "./kill-at-random";

const SENDERS = 4;
/** The pause between two mails of a sender. */
const PACE_MS = 60;
const ANSWER_TIMEOUT_MS = 5_000;
/** How long the mail server checks a mail, at most. */
const REPLY_MS_MAX = 40;

export const killWhileMailing: Fault = {
  name: "kill-mail",
  title: "`kill -9` of nodes and a restart of PostgreSQL at random while mails go out to an SMTP server that loses connections",
  needs: {},
  delivers: "mails",
  load: { paceMs: 50, padBytes: 100 },
  writesAround: 20,
  inject: async (scene) => {
    const { deployment, random, targets } = scene;
    let isCalm = false;
    const smtp = await startMailServer({
      isPlain: true,
      decide: async () => {
        await delay(random() * REPLY_MS_MAX);
        const chance = random();
        if (isCalm || chance > 0.06) return "accept";
        return chance < 0.02 ? "cut" : chance < 0.04 ? "lose" : new SmtpError(451, "4.3.0 try again later");
      },
    });
    await deployment.postgres.pool.query(
      `INSERT INTO "ProjectEmail" ("projectId", host, port, secure, "from", recipients, rate)
       VALUES ($1, '127.0.0.1', $2, false, 'shop@shop.example', '"any"', 10000) ON CONFLICT ("projectId") DO UPDATE SET port = excluded.port`,
      [deployment.world.projectId, smtp.port],
    );
    const subscriber = subscribe(scene);
    subscriber.start();
    await until("the stream of the mails", () => subscriber.startSeq !== undefined, { timeoutMs: RECOVERY_TIMEOUT_MS });
    const senders = startSenders(scene);
    try {
      const endedAt = await killAtRandom(scene, () => smtp.arrived.length);
      return {
        endedAt,
        deliveries: async () => {
          try {
            isCalm = true;
            await senders.stop();
            return await judgeRun({ scene, smtp, subscriber, acknowledged: senders.acknowledged });
          } finally {
            await subscriber.stop();
            await smtp.close();
          }
        },
      };
    } catch (error) {
      await senders.stop();
      await subscriber.stop();
      await smtp.close();
      throw error;
    }

    function subscribe({ deployment: { nodes, world } }: Scene): CheckingSubscriber {
      return new CheckingSubscriber({
        urls: nodes.map(({ origin }) => `${origin.replace(/^http/, "ws")}${targets.mails.path}`),
        ...{ node: 0, roams: true, headers: world.masterHeaders, owner: null },
        endpointId: targets.mails.endpointId,
        received: new Map(),
      });
    }
  },
};

interface Senders {
  acknowledged: AcknowledgedMail[];
  /** Settles when each sender knows the outcome of its last mail. */
  stop(): Promise<void>;
}

/** Each mail has a recipient of its own, and is repeated with its Idempotency-Key at the other node until it is acknowledged. */
function startSenders({ deployment: { nodes, world }, targets, run }: Scene): Senders {
  const acknowledged: AcknowledgedMail[] = [];
  let isStopping = false;
  let sent = 0;

  async function post(node: number, to: string, key: string): Promise<AcknowledgedMail | undefined> {
    try {
      const answer = await fetch(`${nodes[node % nodes.length]?.origin}${targets.mails.path}`, {
        method: "POST",
        headers: { ...world.masterHeaders, "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ to, subject: "Hello", text: "Hello" }),
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const text = await answer.text();
      if (answer.status !== 201) return undefined;
      const { uniqueId, data } = JSON.parse(text) as { uniqueId: string; data: { delivery: { messageId: string } } };
      return { recordId: uniqueId, messageId: data.delivery.messageId, to };
    } catch {
      return undefined;
    }
  }

  const running = Array.from({ length: SENDERS }, async (_, sender) => {
    while (!isStopping) {
      sent += 1;
      const [to, key] = [`run-${run}-mail-${sent}@example.com`, randomUUID()];
      for (let node = sender; ; node++) {
        const mail = await post(node, to, key);
        if (mail) {
          acknowledged.push(mail);
          break;
        }
        await delay(PACE_MS);
      }
      await delay(PACE_MS);
    }
  });
  return {
    acknowledged,
    stop: async () => {
      isStopping = true;
      await Promise.all(running);
    },
  };
}

/** Waits until the queue is empty and the stream has shown everything. */
async function judgeRun({
  scene: { deployment, targets },
  smtp,
  subscriber,
  acknowledged,
}: {
  scene: Scene;
  smtp: MailServer;
  subscriber: CheckingSubscriber;
  acknowledged: readonly AcknowledgedMail[];
}): Promise<DeliveryVerdict> {
  const { pool } = deployment.postgres;
  const isEmpty = async () => (await pool.query(`SELECT 1 FROM "OutboxMail" LIMIT 1`)).rowCount === 0;
  await until("the queue of mails to be empty", isEmpty, { timeoutMs: RECOVERY_TIMEOUT_MS });
  const truth = await readTruth(pool, targets.mails);
  const endSeq = truth.log.at(-1)?.seq ?? 0;
  await until("the stream of the mails to end", () => subscriber.seq() >= endSeq, { timeoutMs: RECOVERY_TIMEOUT_MS });
  const accepted = new Set(smtp.mails);
  const arrived = smtp.arrived.map((mail) => ({
    messageId: mail.header("Message-ID")?.slice(1, -1) ?? "",
    date: mail.header("Date") ?? "",
    to: mail.to.join(),
    isAccepted: accepted.has(mail),
  }));
  const mails = judgeMails({ log: truth.log, acknowledged, arrived });
  const { startSeq = 0, changes, gaps } = subscriber;
  const received = { name: "the stream of the mails", endpointId: truth.endpointId, owner: null, startSeq, endSeq, changes, gaps };
  const stream = judgeStreams({ truths: [truth], subscribers: [received] });
  return {
    ...mails,
    lost: mails.lost + stream.lost,
    doubled: mails.doubled + stream.doubled,
    outOfOrder: mails.outOfOrder + stream.outOfOrder,
    unauthorised: mails.unauthorised + stream.unauthorised,
    problems: [...mails.problems, ...stream.problems],
  };
}
