/** Signs a person in by e-mail and password. */

import { isPassword } from "@/src/core/passwords";
import type { LoginLimiter } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { AccountView } from "@/src/shared/management";
import { accountSelect, toAccountView } from "./views";

/** The account, or null when e-mail or password is wrong, in the same time for either. Raises `rate_limited`. */
export async function authenticateUser({
  db,
  limiter,
  email,
  password,
  address,
}: {
  db: Pick<Db, "user">;
  limiter: LoginLimiter;
  email: string;
  password: string;
  address: string | null;
}): Promise<AccountView | null> {
  const attempt = { account: email, address };
  await limiter.begin(attempt);
  const user = await db.user.findUnique({ where: { email }, select: { ...accountSelect, passwordHash: true } });
  if (!(await isPassword(user?.passwordHash ?? null, password)) || !user) return null;
  await limiter.succeed(attempt);
  return toAccountView(user);
}
