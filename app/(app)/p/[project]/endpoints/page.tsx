/** All endpoints of a project. */
import type { Metadata } from "next";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoints, loadHour } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery } from "@/src/ui/api/queries";
import { EndpointsPage } from "@/src/ui/endpoints/endpoints-page";
import { HOUR, trafficQuery } from "@/src/ui/traffic/traffic-queries";

export const metadata: Metadata = { title: "Endpoints" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [endpoints, hour] = await Promise.all([loadEndpoints(projectId), loadHour(projectId)]);
  return (
    <Prefetched
      data={[
        [endpointsQuery(projectId).queryKey, endpoints],
        [trafficQuery(projectId, HOUR).queryKey, hour],
      ]}
    >
      <EndpointsPage projectId={projectId} origin={await getOrigin(getRuntime().config.publicUrl)} />
    </Prefetched>
  );
}
