/** How to call an endpoint: snippets and API reference. */
import type { Metadata } from "next";
import { getOrigin } from "@/app/lib/current-page";
import { loadDescription, loadEndpoint, loadKeys } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery, keysQuery } from "@/src/ui/api/queries";
import { ApiPage } from "@/src/ui/endpoints/api-page";

export const metadata: Metadata = { title: "API" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project, id } = await params;
  const { config } = getRuntime();
  const [endpoint, keys, document] = await Promise.all([loadEndpoint(project, id), loadKeys(project), loadDescription(project, id)]);
  return (
    <Prefetched
      data={[
        [endpointQuery(id).queryKey, endpoint],
        [keysQuery(project).queryKey, keys],
      ]}
    >
      <ApiPage
        projectId={project}
        endpointId={id}
        origin={await getOrigin(config.publicUrl)}
        bodyBytesMax={config.bodyBytesMax}
        document={document}
      />
    </Prefetched>
  );
}
