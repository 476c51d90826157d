/** Lists a project's keys (G3). */
import type { Db } from "@/src/db/client";
import type { ManagedKey } from "@/src/shared/management";
import { requireOwnProject } from "./require-own-project";
import { toManagedKey } from "./views";

/** Every key, revoked and expired ones too, oldest first. Raises `not_found`. */
export async function listKeys({
  db,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project" | "apiKey">;
  ownerId: string;
  projectId: string;
}): Promise<ManagedKey[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await db.apiKey.findMany({ where: { projectId }, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  return rows.map(toManagedKey);
}
