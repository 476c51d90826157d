/** Describes a project's own endpoints (G5). */
import type { Clock } from "@/src/core/clock";
import type { Db } from "@/src/db/client";
import type { ApiDocument } from "@/src/shared/openapi";
import { listEndpoints } from "../endpoints/list-endpoints";
import { toProjectDocument } from "../openapi/project/document";
import { getProject } from "./get-project";

/** All of them, or the one with `endpointId`. Raises `not_found`. */
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
  /** Where programs reach the server. */
  origin: string;
}): Promise<ApiDocument> {
  const { name } = await getProject({ db, clock, ownerId, projectId });
  const endpoints = await listEndpoints({ db, countSubscribers: () => 0, ownerId, projectId });
  const described = endpointId === undefined ? endpoints : endpoints.filter(({ id }) => id === endpointId);
  return toProjectDocument({ projectId, projectName: name, endpoints: described, origin });
}
