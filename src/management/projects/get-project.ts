/** Reads one project of an account (G2, G6). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { ManagedProject } from "@/src/shared/management/schemas";
import { projectSelect, toManagedProject } from "../views";

/** Raises `not_found` when there is no such project, or it is another account's. */
export async function getProject({
  db,
  clock,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  ownerId: string;
  projectId: string;
}): Promise<ManagedProject> {
  const row = await db.project.findFirst({ where: { id: projectId, ownerId }, select: projectSelect(clock.now()) });
  if (!row) throw new AppError("not_found");
  return toManagedProject(row);
}
