/** Limits the number of login attempts, counted in this process. */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { toNetwork } from "@/src/core/access/client-network";
import type { LoginAttempt, LoginLimiter } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

const WINDOW_SECONDS = 15 * 60;
const ATTEMPTS_PER_ACCOUNT = 5;
const ATTEMPTS_PER_ADDRESS = 50;

/**
 * Allows 5 attempts in 15 minutes for an account from one network, and 50 from one network at one endpoint or the dashboard. Refused attempts do not
 * count. `begin` throws `rate_limited`.
 */
export function createLoginLimiter(): LoginLimiter {
  const byAccount = new RateLimiterMemory({ points: ATTEMPTS_PER_ACCOUNT, duration: WINDOW_SECONDS });
  const byAddress = new RateLimiterMemory({ points: ATTEMPTS_PER_ADDRESS, duration: WINDOW_SECONDS });
  // Counted by endpoint, so that guesses at one application do not lock users with the same address out of other applications.
  const toKeys = ({ account, address, scope = "" }: LoginAttempt) => {
    const network = toNetwork(address ?? "unknown");
    return { account: `${network} ${account.toLowerCase()}`, address: `${network} ${scope}` };
  };
  /** Takes a point if one is left. Gives it back if the attempt is refused; otherwise a burst of correct passwords would lock its address out. */
  const take = async (limiter: RateLimiterMemory, key: string) => {
    try {
      await limiter.consume(key);
    } catch (error) {
      if (error instanceof RateLimiterRes) await limiter.reward(key);
      throw error;
    }
  };
  return {
    async begin(attempt) {
      const keys = toKeys(attempt);
      try {
        // The address is counted first, because that limits the number of accounts that one address can add to the memory.
        await take(byAddress, keys.address);
        await take(byAccount, keys.account).catch(async (error: unknown) => {
          await byAddress.reward(keys.address);
          throw error;
        });
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
