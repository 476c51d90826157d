/** Checks a password as an attempt that counts: the one way to do so for log-ins and changes. It must not know accounts, nor log. */

import type { LoginAttempt, LoginLimiter } from "@/src/core/limits/ports";
import type { HashTurn, PasswordHasher } from "@/src/core/users/password-hasher";

/**
 * Whether `password` is the one that `stored` was made of (null: no such account; takes as long). A wrong one counts, and one that can't be
 * compared now does not. Raises `rate_limited`, `server_busy`.
 */
export async function tryPassword({
  passwords,
  limiter,
  attempt,
  turn,
  stored,
  password,
}: {
  passwords: Pick<PasswordHasher, "verify">;
  limiter: LoginLimiter;
  attempt: LoginAttempt;
  turn: HashTurn;
  stored: string | null;
  password: string;
}): Promise<boolean> {
  await limiter.begin(attempt);
  let isRight: boolean;
  try {
    isRight = await passwords.verify(stored, password, turn);
  } catch (error) {
    await limiter.withdraw(attempt);
    throw error;
  }
  if (isRight) await limiter.succeed(attempt);
  return isRight;
}
