/** Reads the e-mail configurations of projects. */
import { parseAddress } from "@/src/core/mail/addresses";
import { toPasswordPurpose } from "@/src/core/mail/mailer";
import type { MailConfiguration, MailConfigurations } from "@/src/core/mail/ports";
import { SealedError, type SecretBox } from "@/src/core/secrets/secret-box";
import type { RawStatements } from "@/src/db/raw-statements";
import { nameStatement } from "@/src/db/statement";
import { AppError } from "@/src/shared/errors";

const FIND = nameStatement(
  "rested_find_email_configuration",
  `SELECT host, port, secure, "user", password, "from", recipients, senders, rate FROM "ProjectEmail" WHERE "projectId" = $1::uuid`,
);

interface Row {
  host: string;
  port: number;
  secure: boolean;
  user: string | null;
  password: Uint8Array | null;
  from: string;
  recipients: unknown;
  senders: string[];
  rate: number;
}

/** `deployment`: for projects without a configuration, and for the server's own mails. */
export function createMailConfigurations({
  db,
  box,
  deployment,
}: {
  db: RawStatements;
  box: SecretBox;
  deployment: MailConfiguration | undefined;
}): MailConfigurations {
  return {
    async find(projectId) {
      const [row] = projectId === null ? [] : await db.$queryRawUnsafe<Row[]>(FIND, projectId);
      if (!row || projectId === null) return deployment;
      const { host, port, secure, user, password, from, recipients, senders, rate } = row;
      const sender = parseAddress(from);
      if (!sender) throw new Error("the sender of an e-mail configuration is not an address");
      const opened = password === null ? null : openPassword(box, projectId, password);
      return {
        server: { host, port, secure, user, password: opened, isTrusted: false },
        policy: { from: sender, recipients: toRecipients(recipients), senders, rate },
        source: "project",
      };
    },
  };
}

function openPassword(box: SecretBox, projectId: string, sealed: Uint8Array): string {
  try {
    return box.open(toPasswordPurpose(projectId), sealed);
  } catch (cause) {
    if (!(cause instanceof SealedError)) throw cause;
    const detail =
      "The password of the project's mail server cannot be decrypted, because the server's secret has changed. Enter the password again in the project's settings.";
    throw new AppError("email_not_configured", { detail, cause });
  }
}

/** Anything unknown means the strictest rule. */
function toRecipients(value: unknown): "self" | "any" | readonly string[] {
  if (value === "any") return value;
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : "self";
}
