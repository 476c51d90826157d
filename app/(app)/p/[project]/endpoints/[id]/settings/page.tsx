/** An endpoint's settings. */
import type { Metadata } from "next";
import { loadEndpoint, loadEndpoints } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery, endpointsQuery } from "@/src/ui/api/queries";
import { EndpointSettingsPage } from "@/src/ui/endpoints/settings/endpoint-settings-page";

export const metadata: Metadata = { title: "Settings" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project, id } = await params;
  const [endpoint, endpoints] = await Promise.all([loadEndpoint(project, id), loadEndpoints(project)]);
  return (
    <Prefetched
      data={[
        [endpointQuery(id).queryKey, endpoint],
        [endpointsQuery(project).queryKey, endpoints],
      ]}
    >
      <EndpointSettingsPage key={id} endpointId={id} />
    </Prefetched>
  );
}
