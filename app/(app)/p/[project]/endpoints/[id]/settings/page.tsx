/** An endpoint's settings. */
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { orNotFound } from "@/app/lib/or-not-found";
import { requireUser } from "@/app/lib/require-user";
import { getEndpoint } from "@/src/control/get-endpoint";
import { getRuntime } from "@/src/runtime/registry";
import { EndpointSettingsPage } from "@/src/ui/settings/endpoint-settings-page";

export const metadata: Metadata = { title: "Endpoint settings" };

export default async function Page({ params }: { params: Promise<{ project: string; id: string }> }) {
  const { project: projectId, id: endpointId } = await params;
  const { id: ownerId } = await requireUser(`/p/${projectId}/endpoints/${endpointId}/settings`);
  const { db, hub } = getRuntime();
  const countSubscribers = (id: string) => hub.subscriberCount(id);
  const endpoint = await orNotFound([projectId, endpointId], () => getEndpoint({ db, countSubscribers, ownerId, endpointId }));
  if (endpoint.projectId !== projectId) notFound();
  return <EndpointSettingsPage key={endpoint.id} endpoint={endpoint} />;
}
