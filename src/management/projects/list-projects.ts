/** Lists an account's projects (G2). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { ManagedProject } from "@/src/shared/management/schemas";
import { projectSelect, toManagedProject } from "../views";

/** The projects of `ownerId`, oldest first. */
export async function listProjects({
  db,
  clock,
  ownerId,
  only = null,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  ownerId: string;
  /** Of these alone; null: of all. */
  only?: readonly string[] | null;
}): Promise<ManagedProject[]> {
  const rows = await db.project.findMany({
    where: { ownerId, ...(only === null ? {} : { id: { in: [...only] } }) },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    select: projectSelect(clock.now()),
  });
  return rows.map(toManagedProject);
}
