/** Asks whose an endpoint is before records of it are written (G6), and which rules hold there. */
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";

export interface OwnTarget {
  projectId: string;
  kind: "data" | "authentication";
  /** JSON text of the schema that records must match (R10); null: none. */
  schema: string | null;
}

/** Raises `not_found` unless the endpoint exists and is in a project of `ownerId`. */
export async function requireOwnTarget({
  db,
  ownerId,
  endpointId,
}: {
  db: Pick<Db, "endpoint">;
  ownerId: string;
  endpointId: string;
}): Promise<OwnTarget> {
  const row = await db.endpoint.findFirst({
    where: { id: endpointId, project: { ownerId } },
    select: { projectId: true, kind: true, schema: true },
  });
  if (row?.projectId == null) throw new AppError("not_found");
  return { ...row, projectId: row.projectId, schema: row.schema === null ? null : JSON.stringify(row.schema) };
}
