/** Changes a project's name and origins (G2). */
import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { ManagedProject, ProjectPatch } from "@/src/shared/management/schemas";
import { pickDefined } from "../pick-defined";
import { getProject } from "./get-project";

/** Raises `not_found`. Absent fields stay; sockets whose origin is no longer allowed end (W6). */
export async function updateProject({
  db,
  clock,
  definitions,
  ownerId,
  projectId,
  patch,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
  patch: ProjectPatch;
}): Promise<ManagedProject> {
  const data = pickDefined(patch);
  if (Object.keys(data).length > 0) {
    const { count } = await db.project.updateMany({ where: { id: projectId, ownerId }, data });
    if (count === 0) throw new AppError("not_found");
    definitions.invalidate(projectId);
  }
  return getProject({ db, clock, ownerId, projectId });
}
