/** Changes an account's password and ends its other sessions. */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { LoginLimiter } from "@/src/core/limits/ports";
import { type PasswordHasher, toDashboardHashContext } from "@/src/core/users/password-hasher";
import { verifyPassword } from "@/src/core/users/verify-password";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { PasswordChange } from "@/src/shared/management/schemas";
import type { SignIn } from "../connections/issue-stream-ticket";
import { revokeSignIns } from "./account";

/**
 * Ends every session except `signIn`, and with `revokeTokens` every management token except it. Throws `current_password_wrong`, and `rate_limited`
 * after too many wrong guesses.
 */
export async function changePassword({
  db,
  clock,
  passwords,
  signIns,
  limiter,
  signIn,
  address,
  input,
}: {
  db: Pick<Db, "user" | "$transaction">;
  clock: Clock;
  passwords: PasswordHasher;
  signIns: Pick<SignIns, "invalidate">;
  limiter: LoginLimiter;
  signIn: SignIn;
  address: string | null;
  input: PasswordChange;
}): Promise<void> {
  const { userId } = signIn;
  const { passwordHash: stored } = await db.user.findUniqueOrThrow({ where: { id: userId }, select: { passwordHash: true } });
  const context = toDashboardHashContext(address);
  const attempt = { account: userId, address };
  if (!(await verifyPassword({ passwords, limiter, attempt, context, stored, password: input.currentPassword }))) {
    throw new AppError("current_password_wrong", { fields: { currentPassword: "The current password is incorrect." } });
  }
  const passwordHash = await passwords.hash(input.newPassword, context);
  await db.$transaction(async (tx) => {
    await tx.user.update({ where: { id: userId }, data: { passwordHash } });
    await revokeSignIns({ db: tx, clock, signIn, withTokens: input.revokeTokens ?? false });
  });
  signIns.invalidate(userId);
}
