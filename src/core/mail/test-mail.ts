/** Sends a mail at once, without the queue, to test a configuration (M8). */
import { createMessageId, requireConfiguration } from "@/src/core/mail/mailer";
import { type MailAddress, type MailConfigurations, MailError, type MailTransport } from "@/src/core/mail/ports";
import { SealedError } from "@/src/core/secrets/secret-box";
import { isAppError } from "@/src/shared/errors";

const TEST_MS_MAX = 30_000;

/**
 * Returns the reply of the mail server, or why there is none. Throws `email_not_configured`. It belongs to the runtime, because the errors of the transport
 * cannot be recognized in code that Next.js bundles separately.
 */
export type SendTestMail = (request: {
  projectId: string;
  to: MailAddress;
  signal: AbortSignal;
}) => Promise<{ accepted: boolean; response: string }>;

export function createSendTestMail({
  configurations,
  transport,
}: {
  configurations: MailConfigurations;
  transport: MailTransport;
}): SendTestMail {
  return async ({ projectId, to, signal }) => {
    try {
      const { server, policy } = await requireConfiguration(configurations, projectId);
      const mail = {
        from: policy.from,
        to: [to],
        subject: "Test of the e-mail configuration",
        text: "This mail was sent by the test of a project's e-mail configuration.",
        messageId: createMessageId(policy.from),
        date: new Date(),
        recipients: [to.address],
        attachments: [],
      };
      const { response, rejected } = await transport.send(server, mail, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(TEST_MS_MAX)]),
      });
      // There is one recipient.
      return rejected.length > 0
        ? { accepted: false, response: `The mail server did not accept the recipient: ${response}` }
        : { accepted: true, response };
    } catch (error) {
      if (error instanceof MailError) return { accepted: false, response: error.detail };
      if (isAppError(error) && error.cause instanceof SealedError)
        return { accepted: false, response: "The stored password cannot be decrypted. Enter it again." };
      throw error;
    }
  };
}
