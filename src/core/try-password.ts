/** Checks a password as an attempt that counts: the one way to do so for log-ins and changes. It must not know accounts, nor log. */
import { isPassword } from "@/src/core/passwords";
import type { LoginAttempt, LoginLimiter } from "@/src/core/ports";

/**
 * Whether `password` is the one that `stored` was made of (null: no such account; takes as long). A wrong one counts, and one that can't be
 * compared now does not. Raises `rate_limited`, `server_busy`.
 */
export async function tryPassword({
  limiter,
  attempt,
  stored,
  password,
}: {
  limiter: LoginLimiter;
  attempt: LoginAttempt;
  stored: string | null;
  password: string;
}): Promise<boolean> {
  await limiter.begin(attempt);
  let isRight: boolean;
  try {
    isRight = await isPassword(stored, password);
  } catch (error) {
    await limiter.withdraw(attempt);
    throw error;
  }
  if (isRight) await limiter.succeed(attempt);
  return isRight;
}
