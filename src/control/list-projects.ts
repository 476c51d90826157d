/** Lists an account's projects (G2). */
import type { Clock } from "@/src/core/ports";
import type { Db } from "@/src/db/client";
import type { ManagedProject } from "@/src/shared/management";
import { projectSelect, toManagedProject } from "./views";

/** The projects of `ownerId`, oldest first. */
export async function listProjects({
  db,
  clock,
  ownerId,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  ownerId: string;
}): Promise<ManagedProject[]> {
  const rows = await db.project.findMany({
    where: { ownerId },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    select: projectSelect(clock.now()),
  });
  return rows.map(toManagedProject);
}
