/** Limits attempts to guess passwords. Holds counters and timers: one for each process, made at boot; it must not know what is attempted. */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { toNetwork } from "@/src/core/client-network";
import type { LoginAttempt, LoginLimiter } from "@/src/core/ports";
import { AppError } from "@/src/shared/errors";

const WINDOW_SECONDS = 15 * 60;
const ATTEMPTS_PER_ACCOUNT = 5;
const ATTEMPTS_PER_ADDRESS = 50;

/** Five for an account from an address, 50 for an address, in 15 minutes each. */
export function createLoginLimiter(): LoginLimiter {
  const byAccount = new RateLimiterMemory({ points: ATTEMPTS_PER_ACCOUNT, duration: WINDOW_SECONDS });
  const byAddress = new RateLimiterMemory({ points: ATTEMPTS_PER_ADDRESS, duration: WINDOW_SECONDS });
  const toKeys = ({ account, address }: LoginAttempt) => {
    const network = toNetwork(address ?? "unknown");
    return { account: `${network} ${account.toLowerCase()}`, address: network };
  };
  return {
    async begin(attempt) {
      const keys = toKeys(attempt);
      try {
        // By address first: it bounds how many accounts one address can make us remember.
        await byAddress.consume(keys.address);
        await byAccount.consume(keys.account);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        const retryAfterSeconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
        throw new AppError("rate_limited", {
          detail: `Too many attempts. Try again in ${toMinutes(retryAfterSeconds)}.`,
          retryAfterSeconds,
          internal: `login from=${keys.address}`,
        });
      }
    },
    async succeed(attempt) {
      const keys = toKeys(attempt);
      await byAddress.reward(keys.address);
      await byAccount.delete(keys.account);
    },
    async withdraw(attempt) {
      const keys = toKeys(attempt);
      await byAddress.reward(keys.address);
      await byAccount.reward(keys.account);
    },
  };
}

function toMinutes(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
