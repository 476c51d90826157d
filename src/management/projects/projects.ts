/** Reads, changes and deletes projects. */

import type { Definitions } from "@/src/core/access/resolved-endpoints";
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { EndpointQueue } from "@/src/db/records/endpoint-queue";
import { AppError } from "@/src/shared/errors";
import type { ManagedProject, ProjectPatch } from "@/src/shared/management/schemas";
import type { ApiDocument } from "@/src/shared/openapi";
import { listEndpoints } from "../endpoints/endpoints";
import { toProjectDocument } from "../openapi/project/document";
import { pickDefined } from "../support";
import { projectSelect, toManagedProject } from "../views";

/** Returns the projects of `ownerId`, oldest first. */
export async function listProjects({
  db,
  clock,
  ownerId,
  only = null,
}: {
  db: Pick<Db, "project">;
  clock: Clock;
  ownerId: string;
  /** Only these projects. Null: all. */
  only?: readonly string[] | null;
}): Promise<ManagedProject[]> {
  const rows = await db.project.findMany({
    where: { ownerId, ...(only === null ? {} : { id: { in: [...only] } }) },
    orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    select: projectSelect(clock.now()),
  });
  return rows.map(toManagedProject);
}

/** Returns a project. Throws `not_found` if it does not exist or belongs to another account. */
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

/** Returns what the OpenAPI description needs of all endpoints, or of the one with `endpointId`. Throws `not_found`. */
export async function describeProject({
  db,
  clock,
  ownerId,
  projectId,
  endpointId,
  origin,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  clock: Clock;
  ownerId: string;
  projectId: string;
  endpointId?: string;
  /** The origin under which programs reach the server. */
  origin: string;
}): Promise<ApiDocument> {
  const { name } = await getProject({ db, clock, ownerId, projectId });
  const endpoints = await listEndpoints({ db, countSubscribers: () => 0, ownerId, projectId });
  const described = endpointId === undefined ? endpoints : endpoints.filter(({ id }) => id === endpointId);
  return toProjectDocument({ projectId, projectName: name, endpoints: described, origin });
}

/** Changes the given fields. Absent fields keep their values. Streams whose origin is no longer allowed close (W6). Throws `not_found`. */
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

/**
 * Deletes the project and its keys, and detaches its endpoints, which then no longer exist. Waits for writes that are under way. A job deletes the rows
 * afterwards. Open streams of the project close (W6). Throws `not_found`.
 */
export async function deleteProject({
  writeDb,
  queue,
  definitions,
  ownerId,
  projectId,
}: {
  writeDb: Pick<Db, "$transaction">;
  queue: Pick<EndpointQueue, "run">;
  definitions: Pick<Definitions, "invalidate">;
  ownerId: string;
  projectId: string;
}): Promise<void> {
  // This does not queue at each endpoint, so at most one connection waits for the project's endpoints, besides the writer of each endpoint.
  const count = await queue.run(projectId, () =>
    writeDb.$transaction(async (tx) => {
      // Locks endpoints before their project, in the order that all code uses. So no request waits for the project while this waits for a writer.
      await tx.$queryRaw`
        SELECT e."id" FROM "Endpoint" e JOIN "Project" p ON p."id" = e."projectId"
        WHERE p."id" = ${projectId}::uuid AND p."ownerId" = ${ownerId}::uuid ORDER BY e."id" FOR UPDATE OF e`;
      return (await tx.project.deleteMany({ where: { id: projectId, ownerId } })).count;
    }),
  );
  if (count === 0) throw new AppError("not_found");
  definitions.invalidate(projectId);
}
