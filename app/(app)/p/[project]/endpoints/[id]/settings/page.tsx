/** An endpoint's settings. */
import type { Metadata } from "next";
import { loadEndpoint } from "@/app/lib/load-project";
import { EndpointSettingsPage } from "@/src/ui/settings/endpoint-settings-page";

export const metadata: Metadata = { title: "Settings" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project, id } = await params;
  const endpoint = await loadEndpoint(project, id);
  return <EndpointSettingsPage key={endpoint.id} endpoint={endpoint} />;
}
