/** Makes the first administrator by the link that the server prints. */

import { type PasswordHasher, toDashboardTurn } from "@/src/core/users/password-hasher";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccountView, Setup } from "@/src/shared/management/schemas";
import { isUniqueViolation } from "../constraint-violation";
import { isSetupToken } from "../keys/secrets";
import { toAccountView } from "../views";
import { createFirstAdmin, isSetupNeeded } from "./first-admin";

/** The administrator. Of two at the same time one gets `setup_done`. Raises `setup_token_invalid`, `email_taken`. */
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
  const passwordHash = await passwords.hash(input.password, toDashboardTurn(address));
  try {
    const row = await createFirstAdmin({ db, admin: { name: input.name, email: input.email, passwordHash } });
    if (!row) throw new AppError("setup_done");
    return toAccountView(row);
  } catch (error) {
    throw isUniqueViolation(error) ? emailTaken() : error;
  }
}

/** The error of an e-mail address that another account has. */
export function emailTaken(): AppError {
  return new AppError("email_taken", { fields: { email: "There is an account with this address." } });
}
