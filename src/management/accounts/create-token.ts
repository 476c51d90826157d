/** Creates a management token (G1). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { TokenCreate, TokenCreated } from "@/src/shared/management/schemas";
import { createSecret, hashSecret } from "../keys/secrets";
import { parseExpiry } from "../parse-expiry";
import { toTokenView } from "../views";

/** So many characters of a token are kept, to recognise it by: `rst_` and five of its 43. */
export const TOKEN_PREFIX_LENGTH = 9;

/** The answer is the only place where the token ever is. Throws `fields_invalid` for an expiry that has passed or is after `endsBy`, and for projects of others. */
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
  /** When the token that asks ends: no token makes one that lasts longer (G21). Null: a session asks, or a token that does not end. */
  endsBy?: Date | null;
  input: TokenCreate;
}): Promise<TokenCreated> {
  const expiresAt = parseExpiry({ expiresAt: input.expiresAt, clock });
  if (endsBy !== null && (expiresAt === null || expiresAt > endsBy)) {
    const problem = `Use ${endsBy.toISOString()} or an earlier time: the token that you use ends then.`;
    throw new AppError("fields_invalid", { detail: `expiresAt: ${problem}`, fields: { expiresAt: problem } });
  }
  const { scope = "write", projectIds = null } = input;
  if (projectIds !== null) {
    const own = await db.project.findMany({ where: { ownerId: userId, id: { in: projectIds } }, select: { id: true } });
    if (own.length < new Set(projectIds).size) {
      const problem = "Name projects of yours by their ids.";
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
