/** Verifies a password as a counted attempt. Logins and password changes all use this function. */

import type { LoginAttempt, LoginLimiter } from "@/src/core/limits/ports";
import type { HashContext, PasswordHasher } from "@/src/core/users/password-hasher";

/**
 * Returns true if `stored` was created from `password`. `stored` is null if there is no such account, which takes as long. A wrong password counts as
 * a failed attempt; one that could not be verified does not. Throws `rate_limited`, `server_busy`.
 */
export async function verifyPassword({
  passwords,
  limiter,
  attempt,
  context,
  stored,
  password,
}: {
  passwords: Pick<PasswordHasher, "verify">;
  limiter: LoginLimiter;
  attempt: LoginAttempt;
  context: HashContext;
  stored: string | null;
  password: string;
}): Promise<boolean> {
  await limiter.begin(attempt);
  let isCorrect: boolean;
  try {
    isCorrect = await passwords.verify(stored, password, context);
  } catch (error) {
    await limiter.withdraw(attempt);
    throw error;
  }
  if (isCorrect) await limiter.succeed(attempt);
  return isCorrect;
}
