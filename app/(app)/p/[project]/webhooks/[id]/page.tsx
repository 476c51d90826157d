/** A webhook and its deliveries. */
import type { Metadata } from "next";
import { loadProject, loadWebhook } from "@/app/lib/load-project";
import { Prefetched } from "@/src/ui/api/prefetched";
import { webhookQuery } from "@/src/ui/api/queries";
import { WebhookPage } from "@/src/ui/webhooks/webhook-page";

export const metadata: Metadata = { title: "Webhook" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project: projectId, id } = await params;
  await loadProject(projectId);
  const webhook = await loadWebhook(projectId, id);
  return (
    <Prefetched data={[[webhookQuery(id).queryKey, webhook]]}>
      <WebhookPage webhook={webhook} />
    </Prefetched>
  );
}
