/** Limits of the deployment's own mail server (M7), which projects without one of their own share. Its provider counts all of their mails together. */
import type { RateLimiter } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

/** Recipients a minute: of all projects, and of the projects of one account. 0 means no limit. */
export interface DeploymentMailRates {
  total: number;
  perAccount: number;
}

export interface DeploymentMailLimits {
  /** Counts recipients of one account. Throws `rate_limited`, with the time after which to try again. */
  takeOfAccount(accountId: string, count?: number): Promise<void>;
  /** Counts recipients of all accounts, after those of the account. Throws `rate_limited`. */
  takeOfAll(count?: number): Promise<void>;
}

export function createDeploymentMailLimits({
  limiter,
  rates: { total, perAccount },
}: {
  limiter: RateLimiter;
  rates: DeploymentMailRates;
}): DeploymentMailLimits {
  async function take(id: string, limit: number, count: number, whose: string): Promise<void> {
    if (limit === 0) return;
    for (let n = 0; n < count; n++) {
      const { allowed, resetSeconds } = await limiter.take(id, limit);
      if (allowed) continue;
      const detail = `The server's own mail server accepts ${limit} e-mails a minute ${whose}. Try again in ${resetSeconds} s, or set up a mail server for the project.`;
      throw new AppError("rate_limited", { detail, retryAfterSeconds: resetSeconds });
    }
  }
  return {
    takeOfAccount: (accountId, count = 1) => take(`deployment e-mails ${accountId}`, perAccount, count, "from the projects of an account"),
    takeOfAll: (count = 1) => take("deployment e-mails", total, count, "from all projects"),
  };
}
