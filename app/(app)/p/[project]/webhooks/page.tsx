/** A project's webhooks. */
import type { Metadata } from "next";
import { loadEndpoints, loadProject, loadWebhooks } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointsQuery, webhooksQuery } from "@/src/ui/api/queries";
import { WebhooksPage } from "@/src/ui/webhooks/webhooks-page";

export const metadata: Metadata = { title: "Webhooks" };

export default async function Page({ params }: { params: Promise<{ project: string }> }) {
  const { project: projectId } = await params;
  await loadProject(projectId);
  const [endpoints, webhooks] = await Promise.all([loadEndpoints(projectId), loadWebhooks(projectId)]);
  return (
    <Prefetched
      data={[
        [endpointsQuery(projectId).queryKey, endpoints],
        [webhooksQuery(projectId).queryKey, webhooks],
      ]}
    >
      <WebhooksPage projectId={projectId} />
    </Prefetched>
  );
}
