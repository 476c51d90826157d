/** Asks whose a project is, before something is made inside it (G6). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

/** Raises `not_found` unless the project exists and is `ownerId`'s. */
export async function requireOwnProject({
  db,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  const row = await db.project.findFirst({ where: { id: projectId, ownerId }, select: { id: true } });
  if (!row) throw new AppError("not_found");
}
