/** Puts mails into the queue (M1). */
import { randomUUID } from "node:crypto";
import { headerProblem, parseAddress, SUBJECT_LENGTH_MAX, toAddress } from "@/src/core/mail/addresses";
import type { MailAddress, MailConfiguration, MailConfigurations, Mailer, Outbox } from "@/src/core/mail/ports";
import { createUniqueId } from "@/src/core/records/unique-id";
import { AppError, isAppError } from "@/src/shared/errors";

/** When to try again after the queue of a project was full. */
const FULL_RETRY_SECONDS = 60;

export function createMailer({
  configurations,
  outbox,
  wake,
}: {
  configurations: MailConfigurations;
  outbox: Pick<Outbox, "add">;
  wake: () => void;
}): Mailer {
  return {
    async isConfigured(projectId) {
      try {
        return (await configurations.find(projectId)) !== undefined;
      } catch (error) {
        if (isAppError(error) && error.code === "email_not_configured") return false;
        throw error;
      }
    },
    requireConfigured: async (projectId) => (await requireConfiguration(configurations, projectId)).source,
    async enqueue(client, { projectId, to, subject, text, html }) {
      const recipient = typeof to === "string" ? parseAddress(to) : toAddress(to.name, to.address);
      const subjectProblem = headerProblem(subject, SUBJECT_LENGTH_MAX);
      if (!recipient) throw new AppError("fields_invalid", { fields: { to: "Use an e-mail address, like name@example.com." } });
      if (subjectProblem !== undefined) throw new AppError("fields_invalid", { fields: { subject: subjectProblem } });
      const configuration = await requireConfiguration(configurations, projectId);
      const mail = { id: createUniqueId(), messageId: createMessageId(configuration.policy.from) };
      const message = { to: [recipient], subject, text, html };
      if (!(await outbox.add(client, { ...mail, projectId, record: null, message }))) throw createQueueFullError();
      return mail;
    },
    wake,
  };
}

/** Throws `email_not_configured`. */
export async function requireConfiguration(configurations: MailConfigurations, projectId: string | null): Promise<MailConfiguration> {
  const configuration = await configurations.find(projectId);
  if (!configuration) throw new AppError("email_not_configured");
  return configuration;
}

/** A Message-ID without its angle brackets (RFC 5322, section 3.6.4), in the domain of the sender. Each attempt to send a mail has the same. */
export function createMessageId({ address }: MailAddress): string {
  return `${randomUUID()}@${address.slice(address.lastIndexOf("@") + 1)}`;
}

/** The error of a mail that would exceed the limits of the queue. */
export function createQueueFullError(): AppError {
  return new AppError("server_busy", {
    detail: "Too many e-mails of this project or its account are waiting to be sent. Try again later.",
    retryAfterSeconds: FULL_RETRY_SECONDS,
  });
}

/** The purpose of sealed passwords of a project's mail server. */
export function toPasswordPurpose(projectId: string): string {
  return `project email password ${projectId}`;
}
