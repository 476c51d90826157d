/** Access to an endpoint's records: rules and the access function. */
import type { Metadata } from "next";
import { loadEndpoint, loadEndpoints } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery, endpointsQuery } from "@/src/ui/api/queries";
import { AccessPage } from "@/src/ui/endpoints/access/access-page";

export const metadata: Metadata = { title: "Access" };

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
      <AccessPage key={id} endpointId={id} />
    </Prefetched>
  );
}
