/** The request log of a project. */
import type { Metadata } from "next";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoints, loadKeys, loadProject } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, keysQuery } from "@/src/ui/api/queries";
import { RequestsPage } from "@/src/ui/traffic/requests-page";

export const metadata: Metadata = { title: "Requests" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  const [, endpoints, keys] = await Promise.all([loadProject(projectId), loadEndpoints(projectId), loadKeys(projectId)]);
  return (
    <Prefetched
      data={[
        [endpointsQuery(projectId).queryKey, endpoints],
        [keysQuery(projectId).queryKey, keys],
      ]}
    >
      <NuqsAdapter>
        <RequestsPage projectId={projectId} origin={await getOrigin(getRuntime().config.publicUrl)} />
      </NuqsAdapter>
    </Prefetched>
  );
}
