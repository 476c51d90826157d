/** The rules of e-mail endpoints (M6, M7): what may be sent to whom, how often, and the record that shows it. Access was already checked by access.ts. */
import type { Grant } from "@/src/core/access/access";
import { toNetwork } from "@/src/core/access/client-network";
import type { JudgedRecord } from "@/src/core/access/record-judge";
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import { type CountedLimit, type GiveBack, takeAll } from "@/src/core/limits/take-all";
import { formatAddress, isListed, parseAddress } from "@/src/core/mail/addresses";
import { ATTACHMENT_BYTES_MAX } from "@/src/core/mail/attachments";
import type { DeploymentMailLimits } from "@/src/core/mail/deployment-limits";
import { type EmailBody, parseEmailBody, toBytes } from "@/src/core/mail/email-body";
import { createMessageId, requireConfiguration } from "@/src/core/mail/mailer";
import type {
  Delivery,
  MailAddress,
  MailAttachment,
  MailConfiguration,
  MailConfigurations,
  MailPolicy,
  Outbox,
  QueuedMessage,
} from "@/src/core/mail/ports";
import { toReplay, writeStoredResponse } from "@/src/core/records/idempotency-key";
import type { IdempotencyKey, IdempotentResult, StoredRecord, StoredResponse, WriteResult } from "@/src/core/records/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { AppError } from "@/src/shared/errors";

/** Recipients a minute: of one user, and of one key from one address. The project's rate applies too. */
const PER_USER_MAX = 10;
const PER_KEY_MAX = 30;

/** A file that the project stores. */
export interface ProjectFile {
  endpointId: string;
  recordId: string;
  name: string;
  type: string;
  size: number;
}

export interface NewEmail {
  endpointId: string;
  projectId: string;
  record: { id: string; data: string; owner: string | undefined };
  mail: { id: string; messageId: string; message: QueuedMessage };
}

/** Stores mails of e-mail endpoints. Every method can throw `database_unavailable`. */
export interface EmailStore {
  /** Writes the record and queues the mail in one transaction. Throws `server_busy` if the queue is full. */
  create(email: NewEmail): Promise<WriteResult>;
  /** The same, once for each Idempotency-Key (R9). */
  createIdempotent(
    email: NewEmail,
    key: IdempotencyKey,
    toResponse: (records: readonly StoredRecord[]) => string,
  ): Promise<IdempotentResult>;
  findStoredResponse(endpointId: string, key: IdempotencyKey): Promise<StoredResponse | undefined>;
  /** The verified address of a user of the project (L10), in the form in which names are compared. Undefined: there is none. */
  findUserAddress(projectId: string, userId: string): Promise<string | undefined>;
  /** Those of the records of the project that have files. */
  findFiles(projectId: string, recordIds: readonly string[]): Promise<ProjectFile[]>;
}

export interface Emails {
  /**
   * Queues a mail, and returns its record. Throws `fields_invalid`, `email_not_configured`, `recipient_not_allowed`, `sender_not_allowed`, `rate_limited`,
   * `server_busy` and `idempotency_key_reused`; then nothing was stored.
   */
  send(request: {
    grant: Grant;
    /** The client's address. */
    address: string;
    /** JSON text. */
    data: string;
    idempotencyKey: IdempotencyKey | undefined;
  }): Promise<{ record: StoredRecord; isReplay: boolean }>;
  /** Cancels the mails of a deleted record that still wait. */
  cancel(record: { endpointId: string; recordId: string }): Promise<void>;
}

export interface EmailsOptions {
  store: EmailStore;
  outbox: Pick<Outbox, "cancel">;
  configurations: MailConfigurations;
  limiter: RateLimiter;
  deploymentLimits: DeploymentMailLimits;
  wake: () => void;
}

export function createEmails({ store, outbox, configurations, limiter, deploymentLimits, wake }: EmailsOptions): Emails {
  async function requireRecipients({ grant, body, policy }: { grant: Grant; body: EmailBody; policy: MailPolicy }): Promise<void> {
    const all = [...body.to, ...body.cc, ...body.bcc];
    if (policy.recipients === "any" && grant.master) return;
    if (typeof policy.recipients === "object") {
      const { recipients } = policy;
      if (all.every((address) => isListed(recipients, address))) return;
      throw new AppError("recipient_not_allowed", {
        detail: "The project's e-mail configuration lists the allowed recipients. One of these is not among them.",
      });
    }
    const own = grant.user && parseAddress((await store.findUserAddress(grant.projectId, grant.user.id)) ?? "");
    if (!own)
      throw new AppError("recipient_not_allowed", {
        detail:
          "Mails go only to the signed-in user's own verified address, and this request has no user with one. A user verifies it with verify=true.",
      });
    if (!all.every((address) => isListed([own.address.toLowerCase()], address)))
      throw new AppError("recipient_not_allowed", { detail: "Mails go only to the signed-in user's own verified address (data.email)." });
  }

  /** Counts the recipients against each limit, or against none. A mail that exceeds a limit by itself is refused with its fields: trying again would not help. */
  async function takeRecipients({
    grant,
    address,
    configuration: { policy, source },
    count,
  }: {
    grant: Grant;
    address: string;
    configuration: MailConfiguration;
    count: number;
  }): Promise<GiveBack> {
    const create = (id: string, limit: number, whose: string): CountedLimit => {
      return { id, limit: Math.min(limit, policy.rate), whose, toError: toRecipientsError };
    };
    const limits = [
      ...(grant.user ? [create(`email user ${grant.user.id}`, PER_USER_MAX, "for a user")] : []),
      ...(grant.master ? [] : [create(`email key ${grant.keyId} ${toNetwork(address)}`, PER_KEY_MAX, "for a key from one network")]),
      create(`email project ${grant.projectId}`, policy.rate, "for the project"),
      ...(source === "server" ? [deploymentLimits.ofAccount(grant.ownerId), deploymentLimits.ofAll] : []),
    ];
    const small = limits.find(({ limit }) => limit > 0 && count > limit);
    if (small) {
      const problem = `Use ${small.limit} recipients at most: so many a minute are allowed ${small.whose}.`;
      throw new AppError("fields_invalid", { detail: `This mail has ${count} recipients. ${problem}`, fields: { to: problem } });
    }
    return takeAll(limiter, limits, count);
  }

  /** Files of the project may belong to others, so only the master key may attach them. */
  async function toAttachments(
    { projectId, master }: Grant,
    attachments: EmailBody["attachments"],
  ): Promise<(MailAttachment & { size: number })[]> {
    const ids = attachments.flatMap((one) => ("uniqueId" in one ? [one.uniqueId] : []));
    if (ids.length > 0 && !master)
      throw new AppError("access_denied", { detail: "Stored files can be attached only with the master key. Send the content as base64." });
    const files = new Map(ids.length === 0 ? [] : (await store.findFiles(projectId, ids)).map((file) => [file.recordId, file]));
    const all = attachments.map((one, index) => {
      if ("base64" in one)
        return { filename: one.filename, contentType: one.contentType, content: { base64: one.base64 }, size: toBytes(one.base64) };
      const file = files.get(one.uniqueId);
      if (!file)
        throw new AppError("fields_invalid", {
          fields: { [`attachments.${index}.uniqueId`]: "The project has no file with this uniqueId." },
        });
      const { endpointId, recordId, name, type, size } = file;
      return { filename: one.filename ?? name, contentType: type, content: { endpointId, recordId }, size };
    });
    if (all.reduce((sum, { size }) => sum + size, 0) > ATTACHMENT_BYTES_MAX)
      throw new AppError("fields_invalid", { fields: { attachments: `Attach ${ATTACHMENT_BYTES_MAX} bytes at most.` } });
    return all;
  }

  return {
    async send({ grant, address, data, idempotencyKey }) {
      const { endpoint, projectId } = grant;
      const before = idempotencyKey && (await store.findStoredResponse(endpoint.id, idempotencyKey));
      if (before) return replay(before, grant);
      const body = parseEmailBody(data);
      const configuration = await requireConfiguration(configurations, projectId);
      const { policy } = configuration;
      requireSender(body.from, policy);
      await requireRecipients({ grant, body, policy });
      const attachments = await toAttachments(grant, body.attachments);
      const from = body.from ?? policy.from;
      const mail = { id: createUniqueId(), messageId: createMessageId(from) };
      const record = { id: createUniqueId(), data: toData({ body, from, attachments, messageId: mail.messageId }), owner: grant.user?.id };
      await requireCreatable(grant, { uniqueId: record.id, owner: record.owner ?? null, data: record.data });
      // Last, so that only mails that are accepted count.
      const count = body.to.length + body.cc.length + body.bcc.length;
      const giveBack = await takeRecipients({ grant, address, configuration, count });
      const { from: chosen, to, cc, bcc, replyTo, subject, text, html } = body;
      const message = {
        from: chosen,
        to,
        cc,
        bcc,
        replyTo,
        subject,
        text,
        html,
        attachments: attachments.map(({ size: _, ...one }) => one),
      };
      const email = { endpointId: endpoint.id, projectId, record, mail: { ...mail, message } };
      let stored: StoredRecord;
      try {
        const result = idempotencyKey
          ? await store.createIdempotent(email, idempotencyKey, writeStoredResponse)
          : { outcome: "written" as const, results: [await store.create(email)] };
        if (result.outcome !== "written") {
          await giveBack();
          return await replay(result, grant);
        }
        stored = toRecord(result.results[0]);
      } catch (error) {
        await giveBack();
        throw error;
      }
      wake();
      return show({ record: stored, isReplay: false }, grant);
    },
    cancel: (record) => outbox.cancel(record),
  };
}

/** Throws the judge's refusal or `access_denied`, and what the judge throws. */
async function requireCreatable({ judge }: Grant, record: JudgedRecord): Promise<void> {
  if (!judge) return;
  const verdicts = await judge.judge("create", [record]);
  if (verdicts.length !== 1 || verdicts[0] !== true) throw judge.lastRefusal ?? new AppError("access_denied");
}

/** The record of the first request, judged as a new one. */
async function replay(stored: StoredResponse, grant: Grant): Promise<{ record: StoredRecord; isReplay: boolean }> {
  const sent = toOneReplay(stored);
  await requireCreatable(grant, { uniqueId: sent.record.id, owner: grant.user?.id ?? null, data: sent.record.data });
  return show(sent, grant);
}

/** The record as the caller may see it. */
function show(sent: { record: StoredRecord; isReplay: boolean }, { judge, user }: Grant): { record: StoredRecord; isReplay: boolean } {
  if (!judge) return sent;
  const { record, isReplay } = sent;
  return { record: { ...record, data: judge.redact({ uniqueId: record.id, owner: user?.id ?? null, data: record.data }) }, isReplay };
}

function toRecipientsError({ limit, resetSeconds }: RateVerdict): AppError {
  const detail = `Too many recipients: the limit is ${limit} per minute. Try again in ${resetSeconds} s.`;
  return new AppError("rate_limited", { detail, retryAfterSeconds: resetSeconds });
}

function requireSender(from: MailAddress | undefined, policy: MailPolicy): void {
  if (!from || from.address.toLowerCase() === policy.from.address.toLowerCase() || isListed(policy.senders, from)) return;
  throw new AppError("sender_not_allowed");
}

/** The data of the record: the fields of the mail without the bytes of attachments, and its delivery. */
function toData({
  body,
  from,
  attachments,
  messageId,
}: {
  body: EmailBody;
  from: MailAddress;
  attachments: readonly (MailAttachment & { size: number })[];
  messageId: string;
}): string {
  const list = (addresses: readonly MailAddress[]) => (addresses.length === 0 ? undefined : addresses.map(formatAddress));
  const delivery: Delivery = { state: "queued", attempts: 0, messageId, error: null };
  return JSON.stringify({
    from: formatAddress(from),
    to: body.to.map(formatAddress),
    cc: list(body.cc),
    bcc: list(body.bcc),
    replyTo: list(body.replyTo),
    subject: body.subject,
    text: body.text,
    html: body.html,
    attachments:
      attachments.length === 0 ? undefined : attachments.map(({ filename, contentType, size }) => ({ filename, contentType, size })),
    delivery,
  });
}

function toOneReplay(stored: StoredResponse): { record: StoredRecord; isReplay: boolean } {
  const [record] = toReplay(stored).records;
  if (!record) throw new AppError("internal_error", { internal: "a stored response has no record" });
  return { record, isReplay: true };
}

function toRecord(result: WriteResult | undefined): StoredRecord {
  if (result?.outcome === "ok") return result.change.record;
  if (result?.outcome === "endpoint_not_found")
    throw new AppError("endpoint_or_key_invalid", { internal: "the endpoint was deleted before the write" });
  throw new AppError("internal_error", { internal: `an e-mail was not stored: ${result?.outcome ?? "no result"}` });
}
