/** Asks whose an endpoint is, before something is done to it (G6). */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

export interface OwnEndpoint {
  id: string;
  name: string;
  projectId: string;
  /** Of its log; part of every cursor. */
  epoch: string;
}

/** Raises `not_found` unless the endpoint exists and is in a project of `ownerId`. */
export async function requireOwnEndpoint({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
}): Promise<OwnEndpoint> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { id: true, name: true, projectId: true, epoch: true },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  return { ...row, projectId: row.projectId };
}
