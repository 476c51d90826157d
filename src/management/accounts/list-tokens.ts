/** Lists an account's management tokens (G1). */
import type { Db } from "@/src/db/client";
import type { TokenView } from "@/src/shared/management/schemas";
import { toTokenView } from "../views";

/** Those that are not revoked, oldest first; expired ones too. */
export async function listTokens({ db, userId }: { db: Pick<Db, "managementToken">; userId: string }): Promise<TokenView[]> {
  const rows = await db.managementToken.findMany({ where: { userId, revokedAt: null }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  return rows.map(toTokenView);
}
