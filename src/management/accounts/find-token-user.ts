/** Finds who a management token belongs to (G1), each time anew: a revoked token ends with the next request. */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { AccountView, TokenScope } from "@/src/shared/management/schemas";
import { hashSecret } from "../keys/secrets";
import { type AccountRow, toAccountView } from "../views";
import { SEEN_EVERY_MS } from "./last-seen";
import type { TokenAccess } from "./token-access";

interface TokenUserRow extends AccountRow {
  tokenId: string;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  scope: TokenScope;
  allProjects: boolean;
  projectIds: string[] | null;
}

/** The account, the token's id and what it may do, or null when the token is unknown, revoked or expired. Notes its use, at most once a minute. */
export async function findTokenUser({
  db,
  clock,
  token,
}: {
  db: Pick<Db, "managementToken" | "$queryRaw">;
  clock: Clock;
  token: string;
}): Promise<{ user: AccountView; tokenId: string; access: TokenAccess } | null> {
  const now = clock.now();
  const [row] = await db.$queryRaw<TokenUserRow[]>`
    SELECT u."id", u."name", u."email", u."role"::text AS "role", u."createdAt", t."id" AS "tokenId", t."lastUsedAt", t."expiresAt",
      t."scope"::text AS "scope", t."allProjects", t."projectIds"::text[] AS "projectIds"
    FROM "ManagementToken" t JOIN "User" u ON u."id" = t."userId"
    WHERE t."hash" = ${hashSecret(token)} AND t."revokedAt" IS NULL AND (t."expiresAt" IS NULL OR t."expiresAt" > ${now})`;
  if (!row) return null;
  if (row.lastUsedAt === null || now.getTime() - row.lastUsedAt.getTime() >= SEEN_EVERY_MS) {
    await db.managementToken.updateMany({ where: { id: row.tokenId }, data: { lastUsedAt: now } });
  }
  const access = { scope: row.scope, projectIds: row.allProjects ? null : (row.projectIds ?? []), expiresAt: row.expiresAt };
  return { user: toAccountView(row), tokenId: row.tokenId, access };
}
