/** Creates the first administrator and its management token from the configuration at start (G1). */

import { type PasswordHasher, toDashboardHashContext } from "@/src/core/users/password-hasher";
import type { Db } from "@/src/db/client";
import { TOKEN_PREFIX_LENGTH } from "../accounts/tokens";
import { hashSecret } from "../keys/secrets";
import { createFirstAdmin, lockAccounts } from "./first-admin";

/** The name of the token that RESTED_ADMIN_TOKEN gives. */
export const CONFIGURED_TOKEN_NAME = "RESTED_ADMIN_TOKEN";

export interface EnsuredAdmin {
  /** `created`: by this call. `kept`: an administrator existed. `none`: not configured. An existing password is never changed. */
  admin: "created" | "kept" | "none";
  /** `refused`: there is no administrator, or the token was revoked or belongs to another account. */
  token: "created" | "kept" | "refused" | "none";
}

/**
 * Idempotent, and safe to run on several nodes at once. The token is given to the administrator with the configured e-mail address, otherwise to the
 * first one. The token of an earlier RESTED_ADMIN_TOKEN is revoked.
 */
export async function ensureAdmin({
  db,
  passwords,
  admin,
  adminToken,
}: {
  db: Pick<Db, "user" | "$transaction">;
  passwords: Pick<PasswordHasher, "hash">;
  admin?: { email: string; password: string } | undefined;
  adminToken?: string | undefined;
}): Promise<EnsuredAdmin> {
  const email = admin?.email.trim().toLowerCase();
  const made = admin && email !== undefined ? await makeAdmin({ db, passwords, email, password: admin.password }) : "none";
  const token = adminToken === undefined ? "none" : await giveToken({ db, email, adminToken });
  return { admin: made, token };
}

async function makeAdmin({
  db,
  passwords,
  email,
  password,
}: {
  db: Pick<Db, "user" | "$transaction">;
  passwords: Pick<PasswordHasher, "hash">;
  email: string;
  password: string;
}): Promise<"created" | "kept"> {
  const existing = await db.user.findFirst({ where: { passwordHash: { not: null } }, select: { id: true } });
  if (existing) return "kept";
  const name = email.split("@")[0] ?? email;
  const passwordHash = await passwords.hash(password, toDashboardHashContext(null));
  const row = await createFirstAdmin({ db, admin: { name, email, passwordHash } });
  return row ? "created" : "kept";
}

function giveToken({
  db,
  email,
  adminToken,
}: {
  db: Pick<Db, "$transaction">;
  email: string | undefined;
  adminToken: string;
}): Promise<"created" | "kept" | "refused"> {
  const hash = hashSecret(adminToken);
  return db.$transaction(async (tx) => {
    await lockAccounts({ db: tx });
    const admins = await tx.user.findMany({
      where: { role: "admin", passwordHash: { not: null } },
      orderBy: [{ createdAt: "asc" }, { id: "asc" }],
      select: { id: true, email: true },
    });
    const owner = admins.find((candidate) => candidate.email === email) ?? admins[0];
    if (!owner) return "refused";
    await tx.managementToken.updateMany({
      where: { userId: owner.id, name: CONFIGURED_TOKEN_NAME, revokedAt: null, hash: { not: hash } },
      data: { revokedAt: new Date() },
    });
    const known = await tx.managementToken.findUnique({ where: { hash } });
    if (known) return known.userId === owner.id && known.revokedAt === null ? "kept" : "refused";
    await tx.managementToken.create({
      data: { userId: owner.id, name: CONFIGURED_TOKEN_NAME, prefix: adminToken.slice(0, TOKEN_PREFIX_LENGTH), hash },
    });
    return "created";
  });
}
