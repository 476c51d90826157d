/** The numbers of a project over time. */
import type { Metadata } from "next";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { loadEndpoints, loadHour, loadKeys, loadUsage } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, keysQuery, usageQuery } from "@/src/ui/api/queries";
import { TrafficPage } from "@/src/ui/traffic/traffic-page";
import { HOUR, trafficQuery } from "@/src/ui/traffic/traffic-queries";

export const metadata: Metadata = { title: "Usage" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [endpoints, keys, usage, hour] = await Promise.all([
    loadEndpoints(projectId),
    loadKeys(projectId),
    loadUsage(projectId),
    loadHour(projectId),
  ]);
  return (
    <Prefetched
      data={[
        [endpointsQuery(projectId).queryKey, endpoints],
        [keysQuery(projectId).queryKey, keys],
        [usageQuery(projectId).queryKey, usage],
        [trafficQuery(projectId, HOUR).queryKey, hour],
      ]}
    >
      <NuqsAdapter>
        <TrafficPage projectId={projectId} />
      </NuqsAdapter>
    </Prefetched>
  );
}
