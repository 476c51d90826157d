/** A project's open streams. */
import type { Metadata } from "next";
import { getOrigin } from "@/app/lib/current-page";
import { loadKeys, loadProject, loadUser } from "@/app/lib/load-project";
import { listConnections, parseConnectionsQuery } from "@/src/management/connections/connections";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { connectionsQuery, keysQuery } from "@/src/ui/api/queries";
import { ConnectionsPage } from "@/src/ui/connections/connections-page";

export const metadata: Metadata = { title: "Connections" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  await loadProject(projectId);
  const { id: ownerId } = await loadUser();
  const { db, config } = getRuntime();
  const [keys, connections] = await Promise.all([
    loadKeys(projectId),
    listConnections({ db, ownerId, projectId, ...parseConnectionsQuery(new URLSearchParams()) }),
  ]);
  return (
    <Prefetched
      data={[
        [keysQuery(projectId).queryKey, keys],
        [connectionsQuery(projectId).queryKey, connections],
      ]}
    >
      <ConnectionsPage projectId={projectId} origin={await getOrigin(config.publicUrl)} />
    </Prefetched>
  );
}
