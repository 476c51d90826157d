/** Lists a project's open streams, on whichever server they are (G16). */
import type { Db } from "@/src/db/client";
import type { Connections, ConnectionView } from "@/src/shared/management/schemas";
import { requireOwnProject } from "../projects/require-own-project";
import { type OpenStreamRow, readOpenStreams } from "./read-open-streams";

/** Newest first, as they were about a second ago. Raises `not_found`. */
export async function listConnections({
  db,
  ownerId,
  projectId,
  endpointId,
  limit,
}: {
  db: Pick<Db, "project" | "$queryRaw">;
  ownerId: string;
  projectId: string;
  endpointId: string | null;
  limit: number;
}): Promise<Connections> {
  await requireOwnProject({ db, ownerId, projectId });
  const rows = await readOpenStreams({ db, projectId, endpointId, limit });
  return { connections: rows.map(toConnectionView), total: Number(rows[0]?.total ?? 0) };
}

export function toConnectionView(row: OpenStreamRow): ConnectionView {
  return {
    id: row.id,
    endpointId: row.endpointId,
    endpoint: row.endpointName,
    transport: row.transport,
    dashboard: row.byTicket,
    key: row.keyName,
    origin: row.origin,
    user: row.userName,
    filter: row.filter,
    openedAt: row.openedAt.toISOString(),
    resumable: row.isResumable,
    state: row.replayedTo === null ? "live" : "replaying",
    lag: Number(row.lag),
    queueBytes: row.queueBytes,
  };
}
