/** Creates a management token (G1). */
import type { Clock } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { TokenCreate, TokenCreated } from "@/src/shared/management";
import { parseExpiry } from "./parse-expiry";
import { createSecret, hashSecret } from "./secrets";
import { toTokenView } from "./views";

/** So many characters of a token are kept, to recognise it by: `rst_` and five of its 43. */
export const TOKEN_PREFIX_LENGTH = 9;

/** The answer is the only place where the token ever is. Raises `fields_invalid` for an expiry that has passed. */
export async function createToken({
  db,
  clock,
  userId,
  input,
}: {
  db: Pick<Db, "managementToken">;
  clock: Clock;
  userId: string;
  input: TokenCreate;
}): Promise<TokenCreated> {
  const expiresAt = parseExpiry({ expiresAt: input.expiresAt, clock });
  const token = createSecret("rst_");
  const row = await db.managementToken.create({
    data: { userId, name: input.name, prefix: token.slice(0, TOKEN_PREFIX_LENGTH), hash: hashSecret(token), expiresAt },
  });
  return { ...toTokenView(row), token };
}
