/** Makes an account on a server with open sign-up (RESTED_SIGNUP). */

import type { LoginLimiter } from "@/src/core/limits/ports";
import { type PasswordHasher, toDashboardTurn } from "@/src/core/users/password-hasher";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccountView, Signup } from "@/src/shared/management/schemas";
import { isUniqueViolation } from "../constraint-violation";
import { accountSelect, toAccountView } from "../views";
import { isSetupNeeded } from "./first-admin";
import { emailTaken } from "./set-up";

/** A member. Raises `signup_closed` (also before the first administrator exists), `email_taken`, `rate_limited`. */
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
    throw new AppError("signup_closed", { detail: "This server has no administrator yet. Open the set-up link that it printed first." });
  }
  // Hashing costs, and a taken address is told: neither may be had without end.
  await limiter.begin({ account: "sign-up", address });
  const passwordHash = await passwords.hash(input.password, { ...toDashboardTurn(address), kind: "registration" });
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
