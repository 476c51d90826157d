/** Counts the same amount against several rate limits, or against none of them, so that what is refused uses up no limit. */
import type { RateLimiter, RateVerdict } from "@/src/core/limits/ports";
import type { AppError } from "@/src/shared/errors";

export interface CountedLimit {
  id: string;
  /** Per minute. 0: no limit. */
  limit: number;
  /** To whom or to which object the limit applies, like "for a user". */
  whose: string;
  toError(verdict: RateVerdict): AppError;
}

/** Takes back what was counted, because nothing was sent for it. Never throws. */
export type GiveBack = () => Promise<void>;

/** Throws the error of the first limit that is exceeded; then nothing is counted. Limits are asked in the given order. */
export async function takeAll(limiter: RateLimiter, limits: readonly CountedLimit[], amount: number): Promise<GiveBack> {
  const taken: string[] = [];
  const giveBack = async () => {
    for (const id of taken.splice(0)) await limiter.giveBack(id, amount);
  };
  for (const { id, limit, toError } of limits) {
    if (limit === 0) continue;
    const verdict = await limiter.take(id, limit, amount);
    taken.push(id);
    if (verdict.allowed) continue;
    await giveBack();
    throw toError(verdict);
  }
  return giveBack;
}
