/** The part of a node that sends mails: configurations, queue, transport and deliveries (M). */

import type { Config } from "@/src/config/config";
import { limitEmailStore } from "@/src/core/limits/quota-stores";
import { parseAddress } from "@/src/core/mail/addresses";
import { readMailFile } from "@/src/core/mail/attachments";
import { createMailDelivery, type DeliveryTimes } from "@/src/core/mail/delivery";
import { createDeploymentMailLimits } from "@/src/core/mail/deployment-limits";
import { createEmails } from "@/src/core/mail/emails";
import { createMailer } from "@/src/core/mail/mailer";
import type { MailConfiguration } from "@/src/core/mail/ports";
import { createSendTestMail } from "@/src/core/mail/test-mail";
import { createSecretBox } from "@/src/core/secrets/secret-box";
import { createRead } from "@/src/db/read";
import { createEmailStore } from "@/src/db/stores/emails";
import { createMailConfigurations } from "@/src/db/stores/mail-configurations";
import { createOutbox } from "@/src/db/stores/outbox";
import { createAddressPolicy } from "@/src/outbound/address-policy";
import { createSmtpTransport, type SmtpTimes } from "@/src/outbound/smtp-transport";
import type { NodeOptions } from "../compose";
import type { StorageParts } from "./data-plane";

/** For tests. Default: the times of production, and the authorities that Node.js trusts. */
export interface MailOptions {
  times?: DeliveryTimes;
  smtpTimes?: SmtpTimes;
  /** Certificate authorities as PEM. */
  ca?: string;
}

/** Recipients a minute of the e-mail endpoints of a project that uses the deployment's mail server. */
const DEPLOYMENT_RATE = 30;

type Options = Pick<NodeOptions, "config" | "lanes" | "limiter" | "secret" | "siblings" | "log" | "cleanup" | "mail"> &
  Pick<StorageParts, "files" | "quotas">;

/** Adds the deliveries to `cleanup`, which waits for the mails that are being sent. */
export function composeMail({ config, lanes, limiter, secret, siblings, files, quotas, log, cleanup, mail = {} }: Options) {
  const box = createSecretBox({ secret });
  const configurations = createMailConfigurations({ db: lanes.reads, box, deployment: toDeployment(config) });
  const outbox = createOutbox({ db: lanes.writeDb, queue: lanes.endpointQueue, background: lanes.background, box });
  const transport = createSmtpTransport({
    policy: createAddressPolicy(config.outboundAllowed),
    ...{ ports: config.smtpPorts, ca: mail.ca, times: mail.smtpTimes },
  });
  const delivery = createMailDelivery({
    ...{ outbox, configurations, transport, log },
    readFile: (file) => readMailFile(files, file),
    ...(mail.times ? { times: mail.times } : {}),
  });
  cleanup.add(() => delivery.close());
  // The workers of a server leave the mails to the process with the dashboard, whose poll finds them.
  const wake = siblings?.role === "data" ? () => undefined : () => delivery.wake();
  const mailer = createMailer({ configurations, outbox, wake });
  const { writeDb: db, reads, endpointQueue: queue, pools } = lanes;
  const store = limitEmailStore(createEmailStore({ db, read: createRead(pools.reads), reads, queue, outbox }), quotas);
  const deploymentLimits = createDeploymentMailLimits({ limiter, rates: config.smtpRates });
  const emails = createEmails({ store, outbox, configurations, limiter, deploymentLimits, wake });
  const sendTest = createSendTestMail({ configurations, transport });
  return { box, configurations, outbox, delivery, mailer, emails, sendTest, deploymentLimits };
}

function toDeployment({ smtp }: Config): MailConfiguration | undefined {
  if (!smtp) return undefined;
  const { from, ...server } = smtp;
  const sender = parseAddress(from);
  if (!sender) throw new Error("RESTED_SMTP_FROM is not an e-mail address.");
  // Projects do not choose this mail server, so their users can only write to themselves.
  return {
    server: { ...server, isTrusted: true },
    policy: { from: sender, recipients: "self", senders: [], rate: DEPLOYMENT_RATE },
    source: "server",
  };
}
