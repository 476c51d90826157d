/** The frame of an endpoint's pages: name, URL, tabs. */
import type { Metadata } from "next";
import type { ReactNode } from "react";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoint } from "@/app/lib/load-project";
import { getRuntime } from "@/src/runtime/registry";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery } from "@/src/ui/api/queries";
import { EndpointFrame } from "@/src/ui/endpoints/endpoint-frame";

interface Props {
  children: ReactNode;
  params: Promise<{ project: string; id: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { project, id } = await params;
  const { name } = await loadEndpoint(project, id);
  return { title: { default: name, template: `%s · ${name} · Rested` } };
}

export default async function EndpointLayout({ children, params }: Props) {
  const { project, id } = await params;
  const endpoint = await loadEndpoint(project, id);
  return (
    <Prefetched data={[[endpointQuery(id).queryKey, endpoint]]}>
      <EndpointFrame projectId={project} endpointId={id} origin={await getOrigin(getRuntime().config.publicUrl)}>
        {children}
      </EndpointFrame>
    </Prefetched>
  );
}
