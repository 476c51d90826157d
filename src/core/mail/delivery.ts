/** Sends the mails of the queue (M2): leases them in a fair order, tries again after temporary failures, and stores each step. */

import type { Log } from "@/src/core/log";
import {
  type Attempt,
  type LeasedMail,
  type MailConfigurations,
  MailError,
  type MailTransport,
  type Outbox,
  type QueuedMessage,
  type RenderedMail,
} from "@/src/core/mail/ports";

export interface DeliveryTimes {
  /** How long a node that was killed keeps its mails. */
  leaseMs: number;
  /** The pause after the first failure. It doubles with each further one. */
  retryMs: number;
  /** The time limit of one attempt. */
  attemptMs: number;
}

export const DELIVERY_TIMES: DeliveryTimes = { leaseMs: 30_000, retryMs: 15_000, attemptMs: 90_000 };

/** The pause between two attempts is at most an hour. */
const RETRY_MS_MAX = 3_600_000;
const ATTEMPTS_MAX = 40;
/** A mail that was queued longer ago is given up. */
const AGE_MS_MAX = 24 * 3_600_000;
/** Mails that a process sends at the same time: in total, and of one account, so that hanging mail servers of one account do not hold up the others. */
const AT_ONCE_MAX = 24;
const AT_ONCE_PER_ACCOUNT_MAX = 4;
/** Of them through mail servers that projects choose, so that hanging ones of many accounts do not hold up the deployment's mail server. */
const AT_ONCE_OWN_SERVERS_MAX = 16;
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
  /** How many mails of each account are being sent. The server's own have the empty name. */
  readonly #byAccount = new Map<string, number>();
  /** How many mails are being sent through mail servers of projects. */
  #toOwnServers = 0;
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
      const max = AT_ONCE_MAX - this.#sending.size;
      if (max <= 0) return;
      const exceptAccounts = [...this.#byAccount].filter(([, count]) => count >= AT_ONCE_PER_ACCOUNT_MAX).map(([account]) => account);
      const ownMax = AT_ONCE_OWN_SERVERS_MAX - this.#toOwnServers;
      const exceptOwnServers = ownMax <= 0;
      const mails = await outbox.lease({
        max: exceptOwnServers ? max : Math.min(max, ownMax),
        ...{ exceptAccounts, exceptOwnServers, leaseMs: this.#times.leaseMs },
      });
      for (const mail of mails) this.#start(mail);
      if (mails.length > 0) this.#isFillWanted = true;
    }
  }

  #start(mail: LeasedMail): void {
    const account = mail.accountId ?? "";
    this.#byAccount.set(account, (this.#byAccount.get(account) ?? 0) + 1);
    if (mail.hasOwnServer) this.#toOwnServers += 1;
    const sending = this.#deliver(mail)
      // The mail is due again when its lease ends.
      .catch((err: unknown) => this.#options.log.warn({ mail: mail.id, err }, "an e-mail could not be handled"))
      .finally(() => {
        this.#sending.delete(sending);
        if (mail.hasOwnServer) this.#toOwnServers -= 1;
        const left = (this.#byAccount.get(account) ?? 1) - 1;
        if (left > 0) this.#byAccount.set(account, left);
        else this.#byAccount.delete(account);
        if (!this.#isClosed) this.wake();
      });
    this.#sending.add(sending);
  }

  async #deliver(mail: LeasedMail): Promise<void> {
    const { outbox } = this.#options;
    const { leaseMs, attemptMs } = this.#times;
    const attempts = await outbox.begin(mail);
    if (attempts === undefined) return;
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal, AbortSignal.timeout(attemptMs)]);
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
      if (!message) throw new MailError("The e-mail cannot be decrypted.", { isTemporary: false, code: "undecryptable" });
      return await this.#send(mail, message, attempts, signal);
    } catch (error) {
      const { reason, isTemporary, code } = toFailure(error);
      this.#options.log.debug({ mail: mail.id, code, isTemporary }, "an e-mail was not accepted");
      if (code === "internal") this.#options.log.warn({ mail: mail.id, err: error }, "an attempt to send an e-mail failed unexpectedly");
      return isTemporary ? this.#postpone(mail, attempts, reason) : { state: "failed", error: toError(reason) };
    }
  }

  async #send(mail: LeasedMail, message: QueuedMessage, attempts: number, signal: AbortSignal): Promise<Attempt> {
    const { configurations, transport } = this.#options;
    const configuration = await configurations.find(mail.projectId);
    if (!configuration) throw new MailError("There is no e-mail configuration.", { isTemporary: true, code: "unconfigured" });
    const rendered = await this.#render(mail, message, configuration.policy.from);
    const { rejected } = await transport.send(configuration.server, rendered, { signal });
    const reason = rejected.map(({ address, reason: why }) => `${address}: ${why}`).join("; ");
    const remaining = rejected.filter(({ isTemporary }) => isTemporary).map(({ address }) => address);
    if (remaining.length === 0) return { state: "sent", error: reason === "" ? null : toError(`Not accepted for ${reason}`) };
    const attempt = this.#postpone(mail, attempts, `Not accepted for ${reason}`);
    return attempt.state === "waiting" ? { ...attempt, remaining } : attempt;
  }

  async #render(
    mail: LeasedMail,
    { from: own, remaining, attachments = [], ...message }: QueuedMessage,
    from: RenderedMail["from"],
  ): Promise<RenderedMail> {
    const files: RenderedMail["attachments"][number][] = [];
    for (const { filename, contentType, content } of attachments) {
      const bytes = "base64" in content ? Buffer.from(content.base64, "base64") : await this.#options.readFile(content);
      files.push({ filename, contentType, bytes });
    }
    const all = [...message.to, ...(message.cc ?? []), ...(message.bcc ?? [])].map(({ address }) => address);
    const recipients = remaining ?? [...new Set(all)];
    return { ...message, from: own ?? from, messageId: mail.messageId, date: mail.queuedAt, recipients, attachments: files };
  }

  #postpone({ queuedAt }: LeasedMail, attempts: number, reason: string): Attempt {
    const delayMs = Math.min(this.#times.retryMs * 2 ** (attempts - 1), RETRY_MS_MAX) * (0.75 + Math.random() / 2);
    const isTooOld = this.#now() + delayMs - queuedAt.getTime() > AGE_MS_MAX;
    return attempts >= ATTEMPTS_MAX || isTooOld
      ? { state: "failed", error: toError(reason) }
      : { state: "waiting", error: toError(reason), delayMs };
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

function toFailure(error: unknown): { reason: string; isTemporary: boolean; code: string } {
  if (error instanceof MailError) return { reason: error.message, isTemporary: error.isTemporary, code: error.code };
  // Such as a database that is unavailable, or a password that cannot be decrypted: neither is the fault of the mail.
  return { reason: "The server could not send the e-mail.", isTemporary: true, code: "internal" };
}

/** One line without control characters. */
function toError(reason: string): string {
  return reason
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\ufffd]+/gu, " ")
    .trim()
    .slice(0, ERROR_LENGTH_MAX);
}
