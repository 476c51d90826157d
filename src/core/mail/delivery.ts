/** Sends the mails of the queue (M2): leases them in a fair order, tries again after temporary failures, and stores each step. */

import type { Log } from "@/src/core/log";
import { createMailLanes, type MailLanes } from "@/src/core/mail/mail-lanes";
import {
  type Attempt,
  type LeasedMail,
  type MailConfigurations,
  MailError,
  type MailTransport,
  type Outbox,
  type QueuedMessage,
  type RecipientDelivery,
  type Rejection,
  type RenderedMail,
} from "@/src/core/mail/ports";
import { isAppError } from "@/src/shared/errors";

export interface DeliveryTimes {
  /** How long a node that was killed keeps its mails. */
  leaseMs: number;
  /** The pause after the first failure. It doubles with each further one. */
  retryMs: number;
  /** The time limit of one attempt. */
  attemptMs: number;
  /** An attempt at a project's mail server that takes longer is slow (M2). */
  slowMs: number;
}

export const DELIVERY_TIMES: DeliveryTimes = { leaseMs: 30_000, retryMs: 15_000, attemptMs: 90_000, slowMs: 10_000 };

/** The pause between two attempts is at most an hour. */
const RETRY_MS_MAX = 3_600_000;
const ATTEMPTS_MAX = 40;
/** A mail that was queued longer ago is given up. */
const AGE_MS_MAX = 24 * 3_600_000;
const UNDECRYPTABLE = "The queued e-mail cannot be decrypted, because the server's secret has changed. Send the e-mail again.";
const STATISTICS_INTERVAL_MS = 60_000;
const ERROR_LENGTH_MAX = 500;

export interface MailDelivery {
  /** Sends what is due, and does not wait for it. Call it regularly, because other processes add mails, and leases end. */
  poll(): Promise<void>;
  /** The same, soon. Never throws. */
  wake(): void;
  /** Stops. Mails that are being sent have `graceMs` to finish. Others are sent again after their lease. */
  close(graceMs?: number): Promise<void>;
}

export interface DeliveryOptions {
  outbox: Outbox;
  configurations: MailConfigurations;
  transport: MailTransport;
  /** Reads the file of a record. Throws a {@link MailError}. */
  readFile(file: { endpointId: string; recordId: string }): Promise<Buffer>;
  log: Pick<Log, "debug" | "info" | "warn">;
  times?: DeliveryTimes;
  now?: () => number;
}

export function createMailDelivery(options: DeliveryOptions): MailDelivery {
  return new Delivery(options);
}

class Delivery implements MailDelivery {
  readonly #options: DeliveryOptions;
  readonly #times: DeliveryTimes;
  readonly #stopping = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #lanes: MailLanes;
  #filling: Promise<void> | undefined;
  #isFillWanted = false;
  #isClosed = false;
  #counts = { sent: 0, failed: 0, postponed: 0 };
  #countedSince: number;
  readonly #now: () => number;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#times = options.times ?? DELIVERY_TIMES;
    this.#now = options.now ?? Date.now;
    this.#countedSince = this.#now();
    this.#lanes = createMailLanes({ slowMs: this.#times.slowMs, onRoom: () => this.#isClosed || this.wake() });
  }

  poll(): Promise<void> {
    this.#logCounts();
    return this.#fill();
  }

  wake(): void {
    this.#fill().catch((err: unknown) => this.#options.log.warn({ err }, "e-mails could not be read from the queue"));
  }

  async close(graceMs = 5_000): Promise<void> {
    this.#isClosed = true;
    await this.#filling?.catch(() => undefined);
    const timer = setTimeout(() => this.#stopping.abort(), graceMs);
    await Promise.all(this.#sending);
    clearTimeout(timer);
  }

  /** Leases mails until nothing is due or the limits are reached. One call at a time; a call in the meantime makes it look again. */
  #fill(): Promise<void> {
    this.#isFillWanted = true;
    this.#filling ??= this.#lease().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #lease(): Promise<void> {
    const { outbox } = this.#options;
    while (this.#isFillWanted && !this.#isClosed) {
      this.#isFillWanted = false;
      const room = this.#lanes.findRoom();
      if (!room) return;
      const mails = await outbox.lease({ ...room, leaseMs: this.#times.leaseMs });
      for (const mail of mails) this.#start(mail);
      if (mails.length > 0) this.#isFillWanted = true;
    }
  }

  #start(mail: LeasedMail): void {
    const giveUp = new AbortController();
    const end = this.#lanes.start(mail, () => giveUp.abort());
    const sending = this.#deliver(mail, giveUp.signal)
      // The mail is due again when its lease ends.
      .catch((err: unknown) => this.#options.log.warn({ mail: mail.id, err }, "an e-mail could not be handled"))
      .finally(() => {
        this.#sending.delete(sending);
        end();
      });
    this.#sending.add(sending);
  }

  async #deliver(mail: LeasedMail, giveUp: AbortSignal): Promise<void> {
    const { outbox } = this.#options;
    const { leaseMs, attemptMs } = this.#times;
    const attempts = await outbox.begin(mail);
    if (attempts === undefined) return;
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, giveUp, this.#stopping.signal, AbortSignal.timeout(attemptMs)]);
    // If the lease cannot be extended, another node may send the mail, so this one stops.
    const renewal = setInterval(() => {
      outbox.renew(mail, leaseMs).then(
        (isHeld) => isHeld || lost.abort(),
        () => lost.abort(),
      );
    }, leaseMs / 3);
    renewal.unref();
    let attempt: Attempt | undefined;
    try {
      attempt = await this.#attempt(mail, attempts, signal);
    } finally {
      clearInterval(renewal);
    }
    if (lost.signal.aborted && attempt.state !== "sent") return;
    await outbox.finish(mail, attempts, attempt);
    this.#counts[attempt.state === "waiting" ? "postponed" : attempt.state] += 1;
  }

  async #attempt(mail: LeasedMail, attempts: number, signal: AbortSignal): Promise<Attempt> {
    try {
      const { message } = mail;
      if (!message) throw new MailError(UNDECRYPTABLE, { isTemporary: false, code: "undecryptable" });
      return await this.#send(mail, message, attempts, signal);
    } catch (error) {
      const { reason, isTemporary, code } = toFailure(error);
      this.#options.log.debug({ mail: mail.id, code, isTemporary }, "an e-mail was not accepted");
      if (code === "internal") this.#options.log.warn({ mail: mail.id, err: error }, "an attempt to send an e-mail failed unexpectedly");
      // It concerns those that were waiting. Earlier replies for the others stay.
      const recipients = mail.message?.recipients?.map((one) => (one.state === "queued" ? { ...one, error: toError(reason) } : one));
      return isTemporary ? this.#postpone(mail, attempts, reason, recipients) : end(reason, recipients);
    }
  }

  async #send(mail: LeasedMail, message: QueuedMessage, attempts: number, signal: AbortSignal): Promise<Attempt> {
    const { configurations, transport } = this.#options;
    const configuration = await configurations.find(mail.projectId);
    if (!configuration) throw new MailError("There is no e-mail configuration.", { isTemporary: true, code: "unconfigured" });
    const rendered = await this.#render(mail, message, configuration.policy.from);
    const { rejected } = await transport.send(configuration.server, rendered, { signal });
    const recipients = toRecipients(message, rendered.recipients, rejected);
    if (!recipients) return { state: "sent", error: null };
    const refused = recipients.flatMap(({ address, error }) => (error === null ? [] : [`${address}: ${error}`]));
    const reason = refused.length === 0 ? null : `Not accepted for ${refused.join("; ")}`;
    const isOver = recipients.every(({ state }) => state !== "queued");
    return isOver ? end(reason, recipients) : this.#postpone(mail, attempts, reason ?? "", recipients);
  }

  async #render(
    mail: LeasedMail,
    { from: own, remaining, recipients: _, attachments = [], ...message }: QueuedMessage,
    from: RenderedMail["from"],
  ): Promise<RenderedMail> {
    const files: RenderedMail["attachments"][number][] = [];
    for (const { filename, contentType, content } of attachments) {
      const bytes = "base64" in content ? Buffer.from(content.base64, "base64") : await this.#options.readFile(content);
      files.push({ filename, contentType, bytes });
    }
    const recipients = remaining ?? listRecipients(message);
    return { ...message, from: own ?? from, messageId: mail.messageId, date: mail.queuedAt, recipients, attachments: files };
  }

  #postpone({ queuedAt }: LeasedMail, attempts: number, reason: string, recipients: QueuedMessage["recipients"]): Attempt {
    const delayMs = Math.min(this.#times.retryMs * 2 ** (attempts - 1), RETRY_MS_MAX) * (0.75 + Math.random() / 2);
    const isTooOld = this.#now() + delayMs - queuedAt.getTime() > AGE_MS_MAX;
    return attempts >= ATTEMPTS_MAX || isTooOld
      ? end(reason, recipients)
      : { state: "waiting", error: toError(reason), delayMs, ...(recipients ? { recipients } : {}) };
  }

  /** Numbers only: neither addresses nor contents are logged. */
  #logCounts(): void {
    const at = this.#now();
    if (at - this.#countedSince < STATISTICS_INTERVAL_MS) return;
    const { sent, failed, postponed } = this.#counts;
    if (sent + failed + postponed > 0) this.#options.log.info({ sent, failed, postponed, sending: this.#sending.size }, "e-mails");
    this.#counts = { sent: 0, failed: 0, postponed: 0 };
    this.#countedSince = at;
  }
}

/** Every address once. */
function listRecipients({ to, cc = [], bcc = [] }: Pick<QueuedMessage, "to" | "cc" | "bcc">): string[] {
  return [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))];
}

/** The delivery to each recipient after an attempt that was sent to `tried`. Undefined: no single recipient was ever refused. */
function toRecipients(
  message: QueuedMessage,
  tried: readonly string[],
  rejected: readonly Rejection[],
): readonly RecipientDelivery[] | undefined {
  if (rejected.length === 0 && !message.recipients) return undefined;
  const before = new Map(message.recipients?.map((recipient) => [recipient.address, recipient]));
  const refused = new Map(rejected.map((rejection) => [rejection.address, rejection]));
  return listRecipients(message).map((address): RecipientDelivery => {
    const refusal = refused.get(address);
    if (refusal) return { address, state: refusal.isTemporary ? "queued" : "failed", error: toError(refusal.reason) };
    // A mail that a former release has postponed has no list yet. Addresses to which it is not sent again count as delivered.
    return tried.includes(address)
      ? { address, state: "sent", error: null }
      : (before.get(address) ?? { address, state: "sent", error: null });
  });
}

/** The end of a mail. It was sent if anybody has received it. */
function end(reason: string | null, recipients: QueuedMessage["recipients"]): Attempt {
  const error = reason === null ? null : toError(reason);
  if (!recipients) return { state: error === null ? "sent" : "failed", error };
  const ended = recipients.map((one) => (one.state === "queued" ? { ...one, state: "failed" as const, error: one.error ?? error } : one));
  return { state: ended.some(({ state }) => state === "sent") ? "sent" : "failed", error, recipients: ended };
}

function toFailure(error: unknown): { reason: string; isTemporary: boolean; code: string } {
  if (error instanceof MailError) return { reason: error.message, isTemporary: error.isTemporary, code: error.code };
  // It stays so until somebody enters the password again, so another attempt is for the sender to make.
  if (isAppError(error) && error.code === "email_not_configured")
    return { reason: `${error.message} Then send the e-mail again.`, isTemporary: false, code: "sealed_password" };
  // Such as a database that is unavailable, which is not the fault of the mail.
  return { reason: "The server could not send the e-mail.", isTemporary: true, code: "internal" };
}

/** One line without control characters. */
function toError(reason: string): string {
  return reason
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\ufffd]+/gu, " ")
    .trim()
    .slice(0, ERROR_LENGTH_MAX);
}
