/** Finds who a management token belongs to (G1), each time anew: a revoked token ends with the next request. */
import type { Clock } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { AccountView } from "@/src/shared/management";
import { hashSecret } from "./secrets";
import { SEEN_EVERY_MS } from "./seen";
import { type AccountRow, toAccountView } from "./views";

/** The account and the token's id, or null when the token is unknown, revoked or expired. Notes its use, at most once a minute. */
export async function findTokenUser({
  db,
  clock,
  token,
}: {
  db: Pick<Db, "managementToken" | "$queryRaw">;
  clock: Clock;
  token: string;
}): Promise<{ user: AccountView; tokenId: string } | null> {
  const now = clock.now();
  const [row] = await db.$queryRaw<(AccountRow & { tokenId: string; lastUsedAt: Date | null })[]>`
    SELECT u."id", u."name", u."email", u."role"::text AS "role", u."createdAt", t."id" AS "tokenId", t."lastUsedAt"
    FROM "ManagementToken" t JOIN "User" u ON u."id" = t."userId"
    WHERE t."hash" = ${hashSecret(token)} AND t."revokedAt" IS NULL AND (t."expiresAt" IS NULL OR t."expiresAt" > ${now})`;
  if (!row) return null;
  if (row.lastUsedAt === null || now.getTime() - row.lastUsedAt.getTime() >= SEEN_EVERY_MS) {
    await db.managementToken.updateMany({ where: { id: row.tokenId }, data: { lastUsedAt: now } });
  }
  return { user: toAccountView(row), tokenId: row.tokenId };
}
