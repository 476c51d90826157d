/** Limits of the deployment's own mail server (M7), which projects without one of their own share. Its provider counts all of their mails together. */
import type { RateLimiter } from "@/src/core/limits/ports";
import type { CountedLimit, GiveBack } from "@/src/core/limits/take-all";
import { takeAll } from "@/src/core/limits/take-all";
import { AppError } from "@/src/shared/errors";

/** Recipients a minute: of all projects, and of the projects of one account. 0 means no limit. */
export interface DeploymentMailRates {
  total: number;
  perAccount: number;
}

export interface DeploymentMailLimits {
  /** The limit of the projects of an account, and that of all projects. A mail is counted against them in this order. */
  ofAccount(accountId: string): CountedLimit;
  readonly ofAll: CountedLimit;
  /** Counts one recipient against each of the limits, or against none. Throws `rate_limited`, with the time after which to try again. */
  take(limits: readonly CountedLimit[]): Promise<GiveBack>;
}

export function createDeploymentMailLimits({
  limiter,
  rates: { total, perAccount },
}: {
  limiter: RateLimiter;
  rates: DeploymentMailRates;
}): DeploymentMailLimits {
  const create = (id: string, limit: number, whose: string): CountedLimit => ({
    id,
    limit,
    whose,
    toError: ({ resetSeconds }) => {
      const recipients = limit === 1 ? "1 recipient" : `${limit} recipients`;
      const detail = `The server's own mail server accepts ${recipients} a minute ${whose}. Try again in ${resetSeconds} s, or set up a mail server for the project.`;
      return new AppError("rate_limited", { detail, retryAfterSeconds: resetSeconds });
    },
  });
  return {
    ofAccount: (accountId) => create(`deployment e-mails ${accountId}`, perAccount, "from the projects of an account"),
    ofAll: create("deployment e-mails", total, "from all projects"),
    take: (limits) => takeAll(limiter, limits, 1),
  };
}
