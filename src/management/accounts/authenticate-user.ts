/** Signs a person in by e-mail and password. */

import type { LoginLimiter } from "@/src/core/limits/ports";
import { type PasswordHasher, toDashboardHashContext } from "@/src/core/users/password-hasher";
import { verifyPassword } from "@/src/core/users/verify-password";
import type { Db } from "@/src/db/client";
import type { AccountView } from "@/src/shared/management/schemas";
import { accountSelect, toAccountView } from "../views";

/** Returns the account, or null if the e-mail address or the password is wrong. Both cases take the same time. Throws `rate_limited`. */
export async function authenticateUser({
  db,
  passwords,
  limiter,
  email,
  password,
  address,
}: {
  db: Pick<Db, "user">;
  passwords: Pick<PasswordHasher, "verify">;
  limiter: LoginLimiter;
  email: string;
  password: string;
  address: string | null;
}): Promise<AccountView | null> {
  const user = await db.user.findUnique({ where: { email }, select: { ...accountSelect, passwordHash: true } });
  const isCorrect = await verifyPassword({
    passwords,
    limiter,
    attempt: { account: email, address },
    context: toDashboardHashContext(address),
    stored: user?.passwordHash ?? null,
    password,
  });
  return isCorrect && user ? toAccountView(user) : null;
}
