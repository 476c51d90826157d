/** "Forgot your password?" of the dashboard (G26): requests an e-mail with a token, and sets a new password with it. */
import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { LoginLimiter } from "@/src/core/limits/ports";
import { DASHBOARD_SCOPE } from "@/src/core/users/email-ports";
import type { EmailQueue } from "@/src/core/users/email-queue";
import { isEmailToken } from "@/src/core/users/email-tokens";
import { type PasswordHasher, toDashboardHashContext } from "@/src/core/users/password-hasher";
import type { Db } from "@/src/db/client";
import { AppError, isAppError } from "@/src/shared/errors";
import type { PasswordReset } from "@/src/shared/management/schemas";
import { hashSecret } from "../keys/secrets";

/**
 * Requests an e-mail. Takes the same time, and has no other effect, if there is no such account. Throws `rate_limited`, and `email_not_configured` if the
 * server cannot send e-mail.
 */
export async function requestPasswordReset({
  emailQueue,
  email,
  address,
}: {
  emailQueue: Pick<EmailQueue, "request">;
  email: string;
  address: string | null;
}): Promise<void> {
  try {
    const target = { scopeId: DASHBOARD_SCOPE, kind: "reset", name: email } as const;
    await emailQueue.request(target, { project: null, address: address ?? "unknown" });
  } catch (error) {
    if (!isAppError(error) || error.code !== "email_not_configured") throw error;
    const detail = "This server cannot send e-mail. Ask its administrator to set RESTED_SMTP_URL and RESTED_SMTP_FROM.";
    throw new AppError("email_not_configured", { detail, cause: error });
  }
}

/**
 * Sets a password with a token, once. Ends all sessions of the account, and with `revokeTokens` its management tokens. Throws `email_token_invalid`, and
 * `rate_limited` after too many wrong tokens.
 */
export async function resetPassword({
  db,
  clock,
  passwords,
  signIns,
  limiter,
  address,
  input: { token, password, revokeTokens = false },
}: {
  db: Pick<Db, "emailToken" | "$transaction">;
  clock: Clock;
  passwords: Pick<PasswordHasher, "hash">;
  signIns: Pick<SignIns, "invalidate">;
  limiter: LoginLimiter;
  address: string | null;
  input: PasswordReset;
}): Promise<void> {
  const hash = hashSecret(token);
  const attempt = { account: `reset ${Buffer.from(hash).toString("base64url")}`, address };
  await limiter.begin(attempt);
  const where = { hash, kind: "reset", accountId: { not: null }, expiresAt: { gt: clock.now() } } as const;
  const found = isEmailToken(token) ? await db.emailToken.findFirst({ where, select: { accountId: true, name: true } }) : null;
  // A wrong token stays counted.
  if (found?.accountId == null) throw new AppError("email_token_invalid");
  const { accountId: userId, name } = found;
  await limiter.succeed(attempt);
  const passwordHash = await passwords.hash(password, toDashboardHashContext(address));
  await db.$transaction(async (tx) => {
    // The account is locked before its tokens, as by every change of its password, whose trigger deletes them.
    const [user] = await tx.$queryRaw<
      unknown[]
    >`SELECT 1 AS found FROM "User" WHERE "id" = ${userId}::uuid AND "email" = ${name} FOR NO KEY UPDATE`;
    const { count } = await tx.emailToken.deleteMany({ where: { ...where, accountId: userId, expiresAt: { gt: clock.now() } } });
    if (!user || count === 0) throw new AppError("email_token_invalid");
    const ended = { where: { userId, revokedAt: null }, data: { revokedAt: clock.now() } };
    await tx.user.update({ where: { id: userId }, data: { passwordHash } });
    await tx.session.updateMany(ended);
    if (revokeTokens) await tx.managementToken.updateMany(ended);
  });
  signIns.invalidate(userId);
}
