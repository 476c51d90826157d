/** All endpoints of a project. */
import type { Metadata } from "next";
import { loadEndpoints } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery } from "@/src/ui/api/queries";
import { EndpointsPage } from "@/src/ui/endpoints/endpoints-page";

export const metadata: Metadata = { title: "Endpoints" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  return (
    <Prefetched data={[[endpointsQuery(projectId).queryKey, await loadEndpoints(projectId)]]}>
      <EndpointsPage projectId={projectId} />
    </Prefetched>
  );
}
