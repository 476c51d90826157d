/**
 * Requests for e-mails to users (L9). A request is stored in the same way whether anybody has the address or not, and served afterwards, so that neither
 * the response nor its time shows who has an account. The e-mail itself goes through the queue of the mailer.
 */
import { toNetwork, toWideNetwork } from "@/src/core/access/client-network";
import type { Clock } from "@/src/core/clock";
import type { RateLimiter } from "@/src/core/limits/ports";
import type { Log } from "@/src/core/log";
import type { DeploymentMailLimits } from "@/src/core/mail/deployment-limits";
import type { Mailer } from "@/src/core/mail/ports";
import {
  type ClaimedEmailRequest,
  DASHBOARD_SCOPE,
  type EmailRecipient,
  type EmailTarget,
  type UserEmailStore,
} from "@/src/core/users/email-ports";
import { renderEmail, toEmailValues, toListedBase } from "@/src/core/users/email-templates";
import type { EmailTokens } from "@/src/core/users/email-tokens";
import { readAddress } from "@/src/core/users/email-verified";
import { AppError, isAppError } from "@/src/shared/errors";
import { toDefaultTemplate } from "@/src/shared/management/default-emails";
import { DEFAULT_USER_EMAILS } from "@/src/shared/management/user-emails";

/**
 * How many requests a minute a network may send to one endpoint, a wide network to the endpoints of one project, and all networks together. What exceeds a
 * limit is not counted against the next one, so that one caller cannot use up what all share. Of the dashboard's requests, those for unknown addresses send
 * nothing, so their limit only bounds what is stored.
 */
const PER_NETWORK = 10;
const PER_WIDE_NETWORK = 30;
const PER_PROJECT = 300;
const IN_DASHBOARD = 3_000;
/** How many of one kind for one e-mail address in a minute are counted against the limits that all share. */
const PER_ADDRESS_A_MINUTE = 10;
/** How many requests of one kind an address may have in an hour, from anywhere. */
const PER_ADDRESS = 5;
const WINDOW_MS = 60 * 60 * 1000;

const TOKEN_MS = 60 * 60 * 1000;
const CODE_MS = 10 * 60 * 1000;
/** How many codes may be tried before another one must be requested. */
export const CODE_TRIES = 5;

/** After this time another attempt is made to serve a request, up to so many times. */
const LEASE_MS = 30_000;
const ATTEMPTS_MAX = 10;
/** How many requests are claimed together, how many of them of one account, and how many are served at the same time. */
const CLAIM_MAX = 32;
const CLAIM_OF_ACCOUNT_MAX = 4;
const AT_ONCE_MAX = 4;
const SWEEP_BATCH = 1000;

/** Characters by which a mail header separates addresses and names. `a<b@example.com>` would be sent to another address than the user's name. */
const SYNTAX = /[<>()[\]\\,;:"]/;

export interface EmailQueue {
  /**
   * Stores a request. `project`: null for the dashboard. `address`: the client's; null: trusted, so its network is not counted. Throws `rate_limited`,
   * `email_not_configured`.
   */
  request(target: EmailTarget, options: { project: { id: string; ownerId: string } | null; address: string | null }): Promise<void>;
  /** Serves all requests that are due. Returns when none is left. Never throws; failures are logged, and served again later. */
  serve(): Promise<void>;
  /** Serves soon, without waiting for it. Call it after a commit that stored a request. */
  serveSoon(): void;
  /** Deletes tokens and counts that are over, in batches. */
  sweep(): Promise<void>;
}

export interface EmailQueueOptions {
  store: UserEmailStore;
  mailer: Mailer;
  tokens: EmailTokens;
  limiter: RateLimiter;
  deploymentLimits: DeploymentMailLimits;
  clock: Clock;
  /** The base for links to the dashboard (RESTED_PUBLIC_URL). Null: none is known. */
  publicUrl: string | null;
  log: Pick<Log, "warn" | "error">;
}

export function createEmailQueue(options: EmailQueueOptions): EmailQueue {
  const { store, mailer, limiter, deploymentLimits, clock, log } = options;
  let serving: Promise<void> | undefined;

  async function take(id: string, limit: number, whose: string): Promise<void> {
    const { allowed, resetSeconds } = await limiter.take(id, limit);
    if (!allowed) throw tooMany(whose, resetSeconds);
  }

  async function serveAll(): Promise<void> {
    try {
      for (;;) {
        const requests = await store.claim({ now: clock.now(), leaseMs: LEASE_MS, max: CLAIM_MAX, maxOfAccount: CLAIM_OF_ACCOUNT_MAX });
        if (requests.length === 0) return;
        const next = requests.values();
        const settled = await Promise.allSettled(Array.from({ length: AT_ONCE_MAX }, () => serveEach(next)));
        for (const result of settled) if (result.status === "rejected") throw result.reason;
      }
    } catch (error) {
      log.warn({ err: error }, "requests for e-mails could not be read; they are served later");
    }
  }

  /** Several of these share the iterator. */
  async function serveEach(requests: Iterable<ClaimedEmailRequest>): Promise<void> {
    for (const request of requests) await serveOne(options, request).catch((error: unknown) => fail(request, error));
  }

  async function fail(request: ClaimedEmailRequest, error: unknown): Promise<void> {
    const { kind, scopeId, attempts } = request;
    // An address that the mailer does not accept will never be accepted.
    const isFinal =
      attempts >= ATTEMPTS_MAX || (isAppError(error) && (error.code === "fields_invalid" || error.code === "email_not_configured"));
    log.warn({ kind, scopeId, err: error }, isFinal ? "an e-mail to a user could not be queued" : "an e-mail to a user is queued later");
    if (isFinal) await store.finish(request, 0);
  }

  const queue: EmailQueue = {
    async request(target, { project, address }) {
      const source = await mailer.requireConfigured(project?.id ?? null);
      const { scopeId, kind, name } = target;
      const whole = project?.id ?? DASHBOARD_SCOPE;
      if (address !== null) {
        await take(`user e-mail ${scopeId} ${toNetwork(address)}`, PER_NETWORK, "from this address");
        await take(`user e-mail ${whole} ${toWideNetwork(address)}`, PER_WIDE_NETWORK, "from this network");
      }
      await take(`user e-mail ${scopeId} ${kind} ${name}`, PER_ADDRESS_A_MINUTE, "for this e-mail address");
      // Also if nobody has the address, which the limits must not show.
      const giveBack = await deploymentLimits.take(project && source === "server" ? [deploymentLimits.ofAccount(project.ownerId)] : []);
      try {
        await take(`user e-mails ${whole}`, project ? PER_PROJECT : IN_DASHBOARD, project ? "in this project" : "to this server");
        const full = await store.request(target, { now: clock.now(), limit: PER_ADDRESS, windowMs: WINDOW_MS });
        if (full) throw tooMany("for this e-mail address", full.retryAfterSeconds);
      } catch (error) {
        await giveBack();
        throw error;
      }
      queue.serveSoon();
    },
    serve() {
      serving ??= serveAll().finally(() => {
        serving = undefined;
      });
      return serving;
    },
    serveSoon() {
      // A run that is under way may have looked before this request was stored.
      void (serving ? serving.then(() => queue.serve()) : queue.serve());
    },
    async sweep() {
      // Twice the window: a code may have been requested at its end.
      const before = new Date(clock.now().getTime() - 2 * WINDOW_MS);
      while ((await store.sweep(before, SWEEP_BATCH)) === SWEEP_BATCH);
    },
  };
  return queue;
}

function tooMany(whose: string, retryAfterSeconds: number): AppError {
  const wait = retryAfterSeconds > 90 ? `${Math.ceil(retryAfterSeconds / 60)} minutes` : `${retryAfterSeconds} s`;
  return new AppError("rate_limited", { detail: `Too many requests for e-mails ${whose}. Try again in ${wait}.`, retryAfterSeconds });
}

async function serveOne(
  { store, mailer, tokens, clock, publicUrl, deploymentLimits }: EmailQueueOptions,
  request: ClaimedEmailRequest,
): Promise<void> {
  const { kind } = request;
  const tries = kind === "code" ? CODE_TRIES : 0;
  const recipient = await store.findRecipient(request);
  if (!recipient || !receives(request, recipient)) return store.finish(request, tries);
  const { text: secret, hash } = kind === "code" ? tokens.createCode(recipient.id) : tokens.createToken();
  const expiresAt = new Date(clock.now().getTime() + (kind === "code" ? CODE_MS : TOKEN_MS));
  const { endpoint } = recipient;
  const settings = endpoint?.settings ?? DEFAULT_USER_EMAILS;
  const linkBase = endpoint ? toListedBase(settings.linkBase, endpoint.allowedOrigins) : publicUrl && `${publicUrl}/reset`;
  const template = endpoint?.template ?? toDefaultTemplate(kind, linkBase !== null);
  const mail = renderEmail(template, toEmailValues({ kind, secret, project: endpoint?.projectName ?? "Rested", linkBase }));
  const isShared = endpoint && (await mailer.requireConfigured(endpoint.projectId)) === "server";
  // Other requests were counted for the account when they were made.
  const ofAccount = isShared && request.isOwn ? [deploymentLimits.ofAccount(endpoint.ownerId)] : [];
  const giveBack = await deploymentLimits.take(isShared ? [...ofAccount, deploymentLimits.ofAll] : []);
  try {
    await store.serve(request, { recipientId: recipient.id, hash, expiresAt, tries }, (client) =>
      mailer.enqueue(client, { projectId: endpoint?.projectId ?? null, to: recipient.address, ...mail, html: mail.html ?? undefined }),
    );
  } catch (error) {
    await giveBack();
    throw error;
  }
  mailer.wake();
}

/** Whether the recipient gets this kind of e-mail. Settings may have changed since the request. */
function receives({ scopeId, kind, name }: ClaimedEmailRequest, { data, isVerified, endpoint }: EmailRecipient): boolean {
  if (scopeId === DASHBOARD_SCOPE) return kind === "reset";
  // A username that looks like an address is not one.
  if (!endpoint || data === undefined || !readAddress(data).isEmail || SYNTAX.test(name)) return false;
  const settings = endpoint.settings ?? DEFAULT_USER_EMAILS;
  switch (kind) {
    case "reset":
      return true;
    case "verify":
      return settings.verifyEmails && !isVerified;
    case "link":
      return settings.loginLinks;
    case "code":
      return settings.loginCodes;
  }
}
