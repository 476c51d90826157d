/** Creates the first administrator and further accounts. */

import type { LoginLimiter } from "@/src/core/limits/ports";
import { type PasswordHasher, toDashboardHashContext } from "@/src/core/users/password-hasher";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccountView, Setup, Signup } from "@/src/shared/management/schemas";
import { isSetupToken } from "../keys/secrets";
import { isUniqueViolation } from "../support";
import { type AccountRow, accountSelect, toAccountView } from "../views";

/** Owns the demo until there is an administrator. It has no password, so it cannot be used to sign in. */
export const PLACEHOLDER_EMAIL = "demo@rested.invalid";

/** True if nobody can sign in, because no account has a password. */
export async function isSetupNeeded({ db }: { db: Pick<Db, "user"> }): Promise<boolean> {
  return (await db.user.findFirst({ where: { passwordHash: { not: null } }, select: { id: true } })) === null;
}

/** Serialises nodes and requests that create accounts, until the transaction ends. */
export async function lockAccounts({ db }: { db: Pick<Db, "$executeRaw"> }): Promise<void> {
  await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('rested.accounts', 0))`;
}

/** Returns the new administrator, or null if one already exists. */
export function createFirstAdmin({
  db,
  admin,
}: {
  db: Pick<Db, "$transaction">;
  admin: { name: string; email: string; passwordHash: string };
}): Promise<AccountRow | null> {
  return db.$transaction(async (tx) => {
    await lockAccounts({ db: tx });
    if (!(await isSetupNeeded({ db: tx }))) return null;
    const row = await tx.user.create({ data: { ...admin, role: "admin" }, select: accountSelect });
    await tx.project.updateMany({ where: { owner: { email: PLACEHOLDER_EMAIL } }, data: { ownerId: row.id } });
    await tx.user.deleteMany({ where: { email: PLACEHOLDER_EMAIL, passwordHash: null } });
    return row;
  });
}

/** Creates the administrator. Of two concurrent requests one gets `setup_done`. Throws `setup_token_invalid`, `email_taken`. */
export async function setUp({
  db,
  passwords,
  secret,
  address,
  input,
}: {
  db: Pick<Db, "user" | "$transaction">;
  passwords: Pick<PasswordHasher, "hash">;
  secret: string;
  address: string | null;
  input: Setup;
}): Promise<AccountView> {
  if (!(await isSetupNeeded({ db }))) throw new AppError("setup_done");
  if (!isSetupToken(secret, input.token)) throw new AppError("setup_token_invalid");
  const passwordHash = await passwords.hash(input.password, toDashboardHashContext(address));
  try {
    const row = await createFirstAdmin({ db, admin: { name: input.name, email: input.email, passwordHash } });
    if (!row) throw new AppError("setup_done");
    return toAccountView(row);
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error;
  }
}

/** The error for an e-mail address that another account has. */
export function emailTaken(): AppError {
  return new AppError("email_taken", { fields: { email: "An account with this address already exists." } });
}

/** Creates a member. Throws `signup_closed` (also before the first administrator exists), `email_taken`, `rate_limited`. */
export async function signUp({
  db,
  passwords,
  limiter,
  signup,
  address,
  input,
}: {
  db: Pick<Db, "user">;
  passwords: Pick<PasswordHasher, "hash">;
  limiter: LoginLimiter;
  signup: "open" | "closed";
  address: string | null;
  input: Signup;
}): Promise<AccountView> {
  if (signup === "closed") throw new AppError("signup_closed");
  if (await isSetupNeeded({ db })) {
    throw new AppError("signup_closed", {
      detail: "This server has no administrator yet. Open the setup link that it printed when it started.",
    });
  }
  // Hashing is expensive, and the response reveals taken addresses, so attempts are limited.
  await limiter.begin({ account: "sign-up", address });
  const passwordHash = await passwords.hash(input.password, { ...toDashboardHashContext(address), kind: "registration" });
  try {
    const row = await db.user.create({
      data: { name: input.name, email: input.email, passwordHash, role: "member" },
      select: accountSelect,
    });
    return toAccountView(row);
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error;
  }
}
