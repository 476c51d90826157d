/** The part of a node for users of applications: their accounts within the quotas of the project, and the e-mails that they receive. */
import { limitUserStore } from "@/src/core/limits/quota-stores";
import { createRegistrationLimit } from "@/src/core/limits/registration-limit";
import type { DeploymentMailLimits } from "@/src/core/mail/deployment-limits";
import type { Mailer } from "@/src/core/mail/ports";
import { createEmailQueue } from "@/src/core/users/email-queue";
import { createEmailTokens } from "@/src/core/users/email-tokens";
import { createAccessTokenIssuer } from "@/src/core/users/token-issuer";
import { createUserEmails } from "@/src/core/users/user-emails";
import { createUsers } from "@/src/core/users/users";
import { createLoginLimiter } from "@/src/limits/login-limiter";
import type { createSandbox } from "@/src/sandbox/sandbox";
import type { NodeOptions } from "../compose";
import type { AccessParts } from "./access";
import type { StorageParts } from "./data-plane";
import type { Stores } from "./stores";

type Options = Pick<NodeOptions, "config" | "limiter" | "passwords" | "secret" | "siblings" | "clock" | "log"> &
  Pick<StorageParts, "quotas" | "records"> & {
    stores: Stores;
    tokens: AccessParts["tokens"];
    sandbox: ReturnType<typeof createSandbox>;
    mailer: Mailer;
    deploymentLimits: DeploymentMailLimits;
    settle: () => Promise<void> | undefined;
  };

export type UserParts = ReturnType<typeof composeUsers>;

export function composeUsers(options: Options) {
  const { stores, tokens, quotas, records, sandbox, mailer, settle, config, limiter, passwords, secret, siblings, clock, log } = options;
  const accessTokens = createAccessTokenIssuer({
    clock,
    ttlMs: config.accessTokenTtlMs,
    invalidate: (projectId) => {
      tokens.invalidate(projectId);
      return settle();
    },
  });
  // Separate from the dashboard's limiter: users of an application must not be able to lock its owner out.
  const loginLimiter = siblings?.loginLimiter ?? createLoginLimiter();
  const emailTokens = createEmailTokens({ secret });
  const publicUrl = config.publicUrl ?? null;
  const emailQueue = createEmailQueue({
    ...{ store: stores.userEmails, mailer, tokens: emailTokens, limiter, deploymentLimits: options.deploymentLimits },
    ...{ clock, publicUrl, log },
  });
  const users = createUsers({
    store: limitUserStore(stores.users, quotas),
    records,
    accessTokens,
    emails: emailQueue,
    sandbox,
    limiter: loginLimiter,
    registrations: createRegistrationLimit({ limiter, perAddress: config.registrationsPerMinute }),
    passwords,
    clock,
    recordBytesMax: config.bodyBytesMax,
  });
  const userEmails = createUserEmails({
    ...{ store: stores.userEmails, queue: emailQueue, tokens: emailTokens },
    ...{ accessTokens, passwords, limiter: loginLimiter, clock },
  });
  return { users, userEmails, emailQueue };
}
