/** Lists a project's endpoints (G4). */
import type { Db } from "@/src/db/client";
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import { requireOwnProject } from "../projects/require-own-project";
import { toManagedEndpoint } from "../views";
import { readEndpoints } from "./read-endpoints";

/** By name. `countSubscribers` tells the open streams of an endpoint on this server. Raises `not_found`. */
export async function listEndpoints({
  db,
  countSubscribers,
  ownerId,
  projectId,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  countSubscribers: (endpointId: string) => number;
  ownerId: string;
  projectId: string;
}): Promise<ManagedEndpoint[]> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await readEndpoints({ db, ownerId, projectId });
  return rows.map((row) => toManagedEndpoint(row, countSubscribers(row.id)));
}
