/** Changes an account's own data. */
import type { Db } from "@/src/db/client";
import type { AccountPatch, AccountView } from "@/src/shared/management/schemas";
import { pickDefined } from "../pick-defined";
import { accountSelect, toAccountView } from "../views";

/** Absent fields stay. */
export async function updateAccount({
  db,
  userId,
  patch,
}: {
  db: Pick<Db, "user">;
  userId: string;
  patch: AccountPatch;
}): Promise<AccountView> {
  return toAccountView(await db.user.update({ where: { id: userId }, data: pickDefined(patch), select: accountSelect }));
}
