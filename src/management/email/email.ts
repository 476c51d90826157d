/** Reads, changes, deletes and tests the e-mail configuration of a project (M8). Its password is never returned. */

import { toRateError } from "@/src/core/access/rate-limit-policy";
import type { RateLimiter } from "@/src/core/limits/ports";
import { formatAddress, parseAddress, parseListEntry } from "@/src/core/mail/addresses";
import { toPasswordPurpose } from "@/src/core/mail/mailer";
import type { MailConfigurations } from "@/src/core/mail/ports";
import type { SendTestMail } from "@/src/core/mail/test-mail";
import type { SecretBox } from "@/src/core/secrets/secret-box";
import type { Db } from "@/src/db/client";
import { AppError, isAppError } from "@/src/shared/errors";
import { EMAIL_RATE_DEFAULT, type EmailConfiguration, type EmailSettings, type EmailTested } from "@/src/shared/management/email";
import { requireOwnProject } from "../ownership";

interface Target {
  db: Pick<Db, "project" | "projectEmail">;
  ownerId: string;
  projectId: string;
}

/** The deployment's mail server, and its rules for those of projects. */
interface Deployment {
  configurations: MailConfigurations;
  /** The ports that mail servers of projects may have. */
  ports: readonly number[] | "any";
}

const NOT_AN_ADDRESS = "Use an e-mail address, like name@example.com.";
const ENTER_AGAIN = "Enter the password again, because the server or the user has changed.";
const TESTS_PER_MINUTE = 6;

/** Throws `not_found`. `deployment`: the sender and rate of the deployment's configuration, if it has one. */
export async function getEmail({ db, ownerId, projectId, configurations, ports }: Target & Deployment): Promise<EmailSettings> {
  await requireOwnProject({ db, ownerId, projectId });
  const row = await db.projectEmail.findUnique({ where: { projectId } });
  if (row) {
    const { host, port, secure, user, password, from, recipients, senders, rate } = row;
    return {
      source: "project",
      host,
      port,
      secure,
      user,
      hasPassword: password !== null,
      from,
      recipients: toRecipients(recipients),
      senders,
      rate,
      problem: portProblem(port, ports) ?? (await findProblem(configurations, projectId)),
    };
  }
  const hidden = {
    host: null,
    port: null,
    secure: null,
    user: null,
    hasPassword: false,
    senders: [],
    recipients: "self" as const,
    problem: null,
  };
  const deployment = await configurations.find(null);
  if (!deployment) return { source: "none", ...hidden, from: null, rate: EMAIL_RATE_DEFAULT };
  return { source: "server", ...hidden, from: formatAddress(deployment.policy.from), rate: deployment.policy.rate };
}

/** Why mails cannot be sent with the stored configuration. */
async function findProblem(configurations: MailConfigurations, projectId: string): Promise<string | null> {
  try {
    await configurations.find(projectId);
    return null;
  } catch (error) {
    if (isAppError(error) && error.code === "email_not_configured") return error.message;
    throw error;
  }
}

function portProblem(port: number, ports: Deployment["ports"]): string | undefined {
  if (ports === "any" || ports.includes(port)) return undefined;
  return `Use one of the ports ${ports.join(", ")}. The server's administrator can allow others (RESTED_SMTP_PORTS).`;
}

/** Replaces the configuration. Throws `not_found` and `fields_invalid`. */
export async function putEmail({
  input,
  box,
  ...target
}: Target &
  Deployment & {
    input: EmailConfiguration;
    box: Pick<SecretBox, "seal">;
  }): Promise<EmailSettings> {
  const { db, ownerId, projectId } = target;
  await requireOwnProject({ db, ownerId, projectId });
  const {
    host: sentHost,
    port,
    secure,
    user = null,
    password: sentPassword,
    recipients = "self",
    senders = [],
    rate = EMAIL_RATE_DEFAULT,
  } = input;
  const host = sentHost.replace(/^\[|\]$/g, "").toLowerCase();
  const from = parseAddress(input.from);
  if (!from) throw new AppError("fields_invalid", { fields: { from: NOT_AN_ADDRESS } });
  const wrongPort = portProblem(port, target.ports);
  if (wrongPort !== undefined) throw new AppError("fields_invalid", { fields: { port: wrongPort } });
  const lists = {
    senders: toEntries("senders", senders),
    recipients: typeof recipients === "string" ? recipients : toEntries("recipients", recipients),
  };
  const stored = await db.projectEmail.findUnique({ where: { projectId } });
  const isSameServer = stored?.host === host && stored.port === port && stored.secure === secure && stored.user === user;
  // Otherwise the stored password could be sent to a server of whoever changes the configuration.
  if (user !== null && sentPassword === undefined && !(isSameServer && stored.password))
    throw new AppError("fields_invalid", {
      fields: { password: stored?.password ? ENTER_AGAIN : "Enter the password." },
    });
  if (user !== null && sentPassword === null) throw new AppError("fields_invalid", { fields: { password: "Enter the password." } });
  if (user === null && typeof sentPassword === "string") throw new AppError("fields_invalid", { fields: { user: "Enter the user name." } });
  const kept = sentPassword === undefined && user !== null;
  const password = typeof sentPassword === "string" ? box.seal(toPasswordPurpose(projectId), sentPassword) : null;
  const data = {
    host,
    port,
    secure,
    user,
    from: formatAddress(from),
    ...lists,
    rate,
    updatedAt: new Date(),
  };
  if (kept) {
    // Another request may have stored another server and its password since the check.
    const { count } = await db.projectEmail.updateMany({ where: { projectId, host, port, secure, user, password: { not: null } }, data });
    if (count === 0) throw new AppError("fields_invalid", { fields: { password: ENTER_AGAIN } });
  } else await db.projectEmail.upsert({ where: { projectId }, create: { projectId, ...data, password }, update: { ...data, password } });
  return getEmail(target);
}

/** Throws `not_found`, also if there is no configuration. */
export async function deleteEmail({ db, ownerId, projectId }: Target): Promise<void> {
  await requireOwnProject({ db, ownerId, projectId });
  const { count } = await db.projectEmail.deleteMany({ where: { projectId } });
  if (count === 0) throw new AppError("not_found");
}

/** Sends a mail at once, without the queue, and returns the mail server's reply. Throws `not_found`, `fields_invalid`, `email_not_configured`, `rate_limited`. */
export async function testEmail({
  db,
  ownerId,
  projectId,
  to,
  sendTest,
  limiter,
  signal,
}: Target & {
  to: string;
  sendTest: SendTestMail;
  limiter: RateLimiter;
  signal: AbortSignal;
}): Promise<EmailTested> {
  await requireOwnProject({ db, ownerId, projectId });
  const recipient = parseAddress(to);
  if (!recipient) throw new AppError("fields_invalid", { fields: { to: NOT_AN_ADDRESS } });
  const verdict = await limiter.take(`email test ${ownerId}`, TESTS_PER_MINUTE);
  if (!verdict.allowed) throw toRateError(verdict);
  return sendTest({ projectId, to: recipient, signal });
}

function toEntries(field: string, entries: readonly string[]): string[] {
  const parsed = entries.map(parseListEntry);
  const problems = parsed.flatMap((entry, index) =>
    entry === undefined ? [[`${field}.${index}`, "Use an e-mail address or a domain, like example.com."]] : [],
  );
  if (problems.length > 0) throw new AppError("fields_invalid", { fields: Object.fromEntries(problems) });
  return [...new Set(parsed.filter((entry) => entry !== undefined))];
}

function toRecipients(value: unknown): EmailSettings["recipients"] {
  if (value === "any") return value;
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : "self";
}
