/** Limits attempts to guess passwords. Holds counters and timers: one for each process, made at boot; it must not know what is attempted. */
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { toNetwork } from "@/src/core/access/client-network";
import type { LoginAttempt, LoginLimiter } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

const WINDOW_SECONDS = 15 * 60;
const ATTEMPTS_PER_ACCOUNT = 5;
const ATTEMPTS_PER_ADDRESS = 50;

/** Five for an account from an address, 50 for an address at one endpoint or at the dashboard, in 15 minutes each. What is refused does not count. */
export function createLoginLimiter(): LoginLimiter {
  const byAccount = new RateLimiterMemory({ points: ATTEMPTS_PER_ACCOUNT, duration: WINDOW_SECONDS });
  const byAddress = new RateLimiterMemory({ points: ATTEMPTS_PER_ADDRESS, duration: WINDOW_SECONDS });
  // By endpoint: who guesses at one application must not lock his neighbours behind the same address out of the others.
  const toKeys = ({ account, address, scope = "" }: LoginAttempt) => {
    const network = toNetwork(address ?? "unknown");
    return { account: `${network} ${account.toLowerCase()}`, address: `${network} ${scope}` };
  };
  /** Takes a point, unless none is left. The library counts refused ones too: a burst of right passwords would then lock its address out. */
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
        // By address first: it bounds how many accounts one address can make us remember.
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
