/** Management tokens, with which programs sign in. */

import type { SignIns } from "@/src/core/access/sign-ins";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccountView, TokenCreate, TokenCreated, TokenScope, TokenView } from "@/src/shared/management/schemas";
import { createSecret, hashSecret } from "../keys/secrets";
import { parseExpiry } from "../support";
import { type AccountRow, toAccountView, toTokenView } from "../views";
import { SEEN_EVERY_MS } from "./sessions";
import type { TokenAccess } from "./token-access";

/** The number of leading characters that are stored, so that people can recognise a token: `rst_` and five of its 43 random characters. */
export const TOKEN_PREFIX_LENGTH = 9;

/** Creates a token. Only the return value contains the token; the database holds its hash. Throws `fields_invalid` for an expiry that has passed or is after `endsBy`, and for projects of others. */
export async function createToken({
  db,
  clock,
  userId,
  endsBy = null,
  input,
}: {
  db: Pick<Db, "managementToken" | "project">;
  clock: Clock;
  userId: string;
  /** When the token that makes the request expires: a token cannot create one that lasts longer (G21). Null: the request comes from a session or from a token without an expiry. */
  endsBy?: Date | null;
  input: TokenCreate;
}): Promise<TokenCreated> {
  const expiresAt = parseExpiry({ expiresAt: input.expiresAt, clock });
  if (endsBy !== null && (expiresAt === null || expiresAt > endsBy)) {
    const problem = `Use ${endsBy.toISOString()} or an earlier time, because your own token expires then.`;
    throw new AppError("fields_invalid", { detail: `expiresAt: ${problem}`, fields: { expiresAt: problem } });
  }
  const { scope = "write", projectIds = null } = input;
  if (projectIds !== null) {
    const own = await db.project.findMany({ where: { ownerId: userId, id: { in: projectIds } }, select: { id: true } });
    if (own.length < new Set(projectIds).size) {
      const problem = "Use the ids of your own projects.";
      throw new AppError("fields_invalid", { detail: `projectIds: ${problem}`, fields: { projectIds: problem } });
    }
  }
  const token = createSecret("rst_");
  const row = await db.managementToken.create({
    data: {
      userId,
      name: input.name,
      prefix: token.slice(0, TOKEN_PREFIX_LENGTH),
      hash: hashSecret(token),
      scope,
      allProjects: projectIds === null,
      projectIds: [...new Set(projectIds ?? [])],
      expiresAt,
    },
  });
  return { ...toTokenView(row), token };
}

interface TokenUserRow extends AccountRow {
  tokenId: string;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
  scope: TokenScope;
  allProjects: boolean;
  projectIds: string[] | null;
}

/** Returns the account, the token's id and its access, or null if the token is unknown, revoked or expired. Records its use, at most once a minute. */
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

/** Returns the tokens that are not revoked, oldest first. Includes expired ones. */
export async function listTokens({ db, userId }: { db: Pick<Db, "managementToken">; userId: string }): Promise<TokenView[]> {
  const rows = await db.managementToken.findMany({ where: { userId, revokedAt: null }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  return rows.map(toTokenView);
}

/** Revokes a token, with immediate effect. Throws `not_found` unless it is a token of `userId` that is not revoked. */
export async function revokeToken({
  db,
  clock,
  signIns,
  userId,
  tokenId,
}: {
  db: Pick<Db, "managementToken">;
  clock: Clock;
  signIns: Pick<SignIns, "invalidate">;
  userId: string;
  tokenId: string;
}): Promise<void> {
  const { count } = await db.managementToken.updateMany({
    where: { id: tokenId, userId, revokedAt: null },
    data: { revokedAt: clock.now() },
  });
  if (count === 0) throw new AppError("not_found");
  signIns.invalidate(userId);
}
