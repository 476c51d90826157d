/** Interfaces of the mail queue (M): who queues mails, where they are stored, and what sends them. */

/** An address that was parsed by addresses.ts. `address` is ASCII, with its domain in lower case. */
export interface MailAddress {
  name?: string | undefined;
  address: string;
}

export interface MailAttachment {
  filename: string;
  contentType: string;
  /** The bytes as base64, or the file of a record, which is read when the mail is sent. */
  content: { base64: string } | { endpointId: string; recordId: string };
}

/** A mail as the queue stores it. */
export interface QueuedMessage {
  /** Absent: the `from` of the configuration with which it is sent. */
  from?: MailAddress | undefined;
  to: readonly MailAddress[];
  cc?: readonly MailAddress[] | undefined;
  bcc?: readonly MailAddress[] | undefined;
  replyTo?: readonly MailAddress[] | undefined;
  subject: string;
  text?: string | undefined;
  html?: string | undefined;
  attachments?: readonly MailAttachment[] | undefined;
  /** The addresses that it is still to be sent to. Absent: all. */
  remaining?: readonly string[] | undefined;
  /** The delivery to each recipient. Absent: it has refused none so far. */
  recipients?: readonly RecipientDelivery[] | undefined;
}

/** The delivery to one recipient. `queued`: the mail server has refused it for now, and the mail is sent to it again. */
export interface RecipientDelivery {
  address: string;
  state: "queued" | "sent" | "failed";
  /** The last reply of the mail server, if it refused the recipient, or why the mail was given up. */
  error: string | null;
}

/** A client, or the client of a transaction, that runs statements. The Prisma client satisfies it. */
export interface MailClient {
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
}

export interface NewMail {
  /** The project whose configuration sends it. Null: the configuration of the deployment. */
  projectId: string | null;
  /** An address like `ada@example.com`, or with a name. */
  to: string | MailAddress;
  subject: string;
  text: string;
  html?: string | undefined;
}

export interface Mailer {
  /** True if mails of the project (null: of the server itself) can be sent: it has a configuration that can be read, or the deployment has one. */
  isConfigured(projectId: string | null): Promise<boolean>;
  /** Returns whose configuration sends mails of the project. Throws `email_not_configured`, with the reason, unless they can be sent. */
  requireConfigured(projectId: string | null): Promise<MailConfiguration["source"]>;
  /**
   * Stores a mail in the queue, in the caller's transaction if `client` is one. It is sent after the commit, at least once, and each attempt has the same
   * Message-ID. Throws `fields_invalid` for an invalid address or subject, `email_not_configured`, and `server_busy` if too many mails of the project or
   * its account wait; then nothing was stored.
   */
  enqueue(client: MailClient, mail: NewMail): Promise<{ id: string; messageId: string }>;
  /** Sends what is due now instead of at the next poll. Call it after the commit. Never throws. */
  wake(): void;
}

/** A mail server. */
export interface SmtpServer {
  host: string;
  port: number;
  /** True: TLS from the start. False: STARTTLS, which is required if credentials are sent over a network. */
  secure: boolean;
  user: string | null;
  password: string | null;
  /** The administrator configured it, so it may have a private address. */
  isTrusted: boolean;
}

export interface MailPolicy {
  from: MailAddress;
  /** The allowed recipients of e-mail endpoints: the signed-in user, listed addresses and domains, or, with the master key alone, anybody. */
  recipients: "self" | "any" | readonly string[];
  /** Other addresses and domains that mails of e-mail endpoints may be sent from. */
  senders: readonly string[];
  /** Recipients a minute of all e-mail endpoints of the project. */
  rate: number;
}

export interface MailConfiguration {
  server: SmtpServer;
  policy: MailPolicy;
  /** `project`: its own configuration. `server`: that of the deployment. */
  source: "project" | "server";
}

export interface MailConfigurations {
  /**
   * The configuration with which mails of a project are sent. Null: the server's own mails. Undefined: there is none. Throws `email_not_configured`, caused
   * by a SealedError, if its password cannot be decrypted: the server's secret has changed.
   */
  find(projectId: string | null): Promise<MailConfiguration | undefined>;
}

/** A mail that a node has leased from the queue. */
export interface LeasedMail {
  id: string;
  leaseId: string;
  /** Null: the server's own. */
  projectId: string | null;
  accountId: string | null;
  /** The host of the project's own mail server when the mail was leased. Null: the deployment's mail server. */
  host: string | null;
  /** The record that shows the delivery. */
  record: { endpointId: string; recordId: string } | null;
  messageId: string;
  /** Undefined: it cannot be decrypted. */
  message: QueuedMessage | undefined;
  /** Attempts before this one. */
  attempts: number;
  queuedAt: Date;
}

/** The delivery of a mail, as its record shows it. `sent`: the mail server has accepted it for at least one recipient. */
export interface Delivery {
  state: "queued" | "sending" | "sent" | "failed";
  attempts: number;
  messageId: string;
  error: string | null;
  /** Absent: the mail server has refused no single recipient. */
  recipients?: readonly RecipientDelivery[] | undefined;
}

/** The result of an attempt. `waiting`: it is tried again after `delayMs`, for the recipients that are queued if there are `recipients`. */
export type Attempt = { recipients?: readonly RecipientDelivery[] | undefined } & (
  | { state: "sent" | "failed"; error: string | null }
  | { state: "waiting"; error: string; delayMs: number }
);

/** Which mails may be leased. Accounts are ids; the server's own mails have the empty text. */
export interface MailRoom {
  max: number;
  /** Through one host that projects have chosen, unless `hosts` has a number of its own for it. 0: none. */
  maxPerHost: number;
  hosts: ReadonlyMap<string, number>;
  exceptAccounts: readonly string[];
  /** No mails for mail servers of projects. */
  exceptOwnServers: boolean;
  /** No mails for the deployment's mail server. */
  exceptDeployment: boolean;
}

/** The queue in the database. Several nodes use it at the same time. */
export interface Outbox {
  /** Adds a mail, or returns false if too many of its project or account wait, or if there is no such project. */
  add(
    client: MailClient,
    mail: {
      id: string;
      projectId: string | null;
      record: { endpointId: string; recordId: string } | null;
      messageId: string;
      message: QueuedMessage;
    },
  ): Promise<boolean>;
  /**
   * Leases at most one due mail of each account, in random order of accounts and projects. Skips mails that another node is leasing. A lease that is neither
   * renewed nor finished ends after `leaseMs`, and the mail is due again.
   */
  lease(room: MailRoom & { leaseMs: number }): Promise<LeasedMail[]>;
  /**
   * Counts the attempt, and shows it in the record. Returns the number of attempts, or undefined if the mail must not be sent: the lease has ended, or the
   * record or endpoint was deleted, which cancels the mail.
   */
  begin(mail: LeasedMail): Promise<number | undefined>;
  /** Extends a lease. Returns false if it has ended. */
  renew(mail: Pick<LeasedMail, "id" | "leaseId">, leaseMs: number): Promise<boolean>;
  /** Stores the result of an attempt, and shows it in the record, in one transaction. Does nothing if the lease has ended. */
  finish(mail: LeasedMail, attempts: number, attempt: Attempt): Promise<void>;
  /** Deletes the waiting mails of a record. */
  cancel(record: { endpointId: string; recordId: string }): Promise<void>;
}

/** A mail as it is sent. */
export interface RenderedMail extends Omit<QueuedMessage, "from" | "attachments" | "remaining" | "recipients"> {
  from: MailAddress;
  messageId: string;
  /** When it was queued: the `Date` header. */
  date: Date;
  /** The addresses to send it to, in ASCII. */
  recipients: readonly string[];
  attachments: readonly { filename: string; contentType: string; bytes: Buffer }[];
}

export interface MailTransport {
  /**
   * Sends a mail to all recipients in one SMTP transaction. `rejected`: those that the server has refused; it has accepted the mail for the others, if there
   * are any. Throws a {@link MailError} if it accepted the mail for nobody for any other reason.
   */
  send(
    server: SmtpServer,
    mail: RenderedMail,
    options: { signal: AbortSignal },
  ): Promise<{ response: string; rejected: readonly Rejection[] }>;
}

export interface Rejection {
  address: string;
  /** The recipient may be accepted later. */
  isTemporary: boolean;
  reason: string;
}

/** Why a mail was not sent. The message is for the sender, and can contain a response of the mail server. */
export class MailError extends Error {
  /** For the owner of the project: with the names of servers and the cause. */
  readonly detail: string;
  /** True: another attempt may succeed. */
  readonly isTemporary: boolean;
  /** For the log: never contains addresses or contents. */
  readonly code: string;

  constructor(
    message: string,
    { isTemporary, code, detail = message, cause }: { isTemporary: boolean; code: string; detail?: string; cause?: unknown },
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.detail = detail;
    this.name = "MailError";
    this.isTemporary = isTemporary;
    this.code = code;
  }
}
