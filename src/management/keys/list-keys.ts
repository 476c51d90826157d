/** Lists a project's keys (G3). */
import type { Db } from "@/src/db/client";
import type { ManagedKey } from "@/src/shared/management/schemas";
import type { TokenAccess } from "../accounts/token-access";
import { requireOwnProject } from "../projects/require-own-project";
import { toManagedKey } from "../views";

/** Of a key that is not shown: enough to recognise it by. */
const SHOWN_CHARACTERS = 4;

/**
 * Every key, revoked and expired ones too, oldest first. For a token of scope `read` (G21) only the first characters of those that may write. Throws
 * `not_found`.
 */
export async function listKeys({
  db,
  ownerId,
  projectId,
  access = null,
}: {
  db: Pick<Db, "project" | "apiKey">;
  ownerId: string;
  projectId: string;
  /** What the management token that asks may do; null: a session. */
  access?: Pick<TokenAccess, "scope"> | null;
}): Promise<ManagedKey[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await db.apiKey.findMany({ where: { projectId }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  const keys = rows.map(toManagedKey);
  return access?.scope === "read" ? keys.map(hideWritingKey) : keys;
}

function hideWritingKey(key: ManagedKey): ManagedKey {
  return key.scope === "read" ? key : { ...key, key: `${key.key.slice(0, SHOWN_CHARACTERS)}…` };
}
