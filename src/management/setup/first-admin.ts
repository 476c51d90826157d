/** Makes the first administrator, exactly once on all nodes, and hands over what was made before there was anybody. */
import type { Db } from "@/src/db/client";
import { type AccountRow, accountSelect } from "../views";

/** Owns the demo while there is no administrator. Has no password, so nobody signs in as it. */
export const PLACEHOLDER_EMAIL = "demo@rested.invalid";

/** True while nobody can sign in: there is no account with a password. */
export async function isSetupNeeded({ db }: { db: Pick<Db, "user"> }): Promise<boolean> {
  return (await db.user.findFirst({ where: { passwordHash: { not: null } }, select: { id: true } })) === null;
}

/** Makes nodes and requests that create accounts at start follow each other, until the transaction ends. */
export async function lockAccounts({ db }: { db: Pick<Db, "$executeRaw"> }): Promise<void> {
  await db.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('rested.accounts', 0))`;
}

/** The new administrator, or null when there is one already. */
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
