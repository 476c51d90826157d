/** Changes an account's own data, and ends its sign-ins. */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import { parseFlag } from "@/src/core/records/parameters";
import type { Db } from "@/src/db/client";
import type { AccountPatch, AccountView } from "@/src/shared/management/schemas";
import type { SignIn } from "../connections/issue-stream-ticket";
import { pickDefined } from "../support";
import { accountSelect, toAccountView } from "../views";

/** Changes the given fields. Absent fields keep their values. */
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

/** Ends all sign-ins of the account except `signIn`, which made the request. Streams of the ended sign-ins close within a second. */
export async function endSignIns({
  db,
  clock,
  signIns,
  signIn,
  withTokens,
}: {
  db: Pick<Db, "$transaction">;
  clock: Clock;
  signIns: Pick<SignIns, "invalidate">;
  signIn: SignIn;
  withTokens: boolean;
}): Promise<void> {
  await db.$transaction((tx) => revokeSignIns({ db: tx, clock, signIn, withTokens }));
  signIns.invalidate(signIn.userId);
}

/** Parses the query of a request that ends the other sign-ins. Throws `parameter_invalid`. */
export function parseEndSignInsQuery(parameters: URLSearchParams): { withTokens: boolean } {
  return { withTokens: parseFlag(parameters, "tokens") };
}

/** Runs in the caller's transaction. The caller invalidates the account's sign-ins after the commit. */
export async function revokeSignIns({
  db,
  clock,
  signIn,
  withTokens,
}: {
  db: Pick<Db, "session" | "managementToken">;
  clock: Clock;
  signIn: SignIn;
  withTokens: boolean;
}): Promise<void> {
  const others = { userId: signIn.userId, revokedAt: null, id: { not: signIn.id } };
  const data = { revokedAt: clock.now() };
  await db.session.updateMany({ where: others, data });
  if (withTokens) await db.managementToken.updateMany({ where: others, data });
}
