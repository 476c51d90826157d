/** All endpoints of a project, kept up to date. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { endpointsQuery } from "../api/queries";
import { Button } from "../components/button";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { HOUR, trafficQuery } from "../traffic/traffic-queries";
import { CreateEndpointDialog } from "./create-endpoint-dialog";
import { EndpointTable } from "./endpoint-table";

export function EndpointsPage({ projectId }: { projectId: string }) {
  const [creating, setCreating] = useState(false);
  const { data: endpoints, error, refetch } = useQuery(endpointsQuery(projectId));
  const { data: traffic } = useQuery(trafficQuery(projectId, HOUR));
  const create = (
    <Button tone="primary" onClick={() => setCreating(true)}>
      New endpoint
    </Button>
  );
  return (
    <Page title="Endpoints" actions={endpoints?.length === 0 ? undefined : create}>
      {endpoints ? (
        endpoints.length === 0 ? (
          <EmptyState sentence="No endpoints yet. An endpoint stores JSON and streams every change." action={create} />
        ) : (
          <EndpointTable projectId={projectId} endpoints={endpoints} traffic={traffic} />
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load endpoints." error={error} onRetry={refetch} />
      ) : null}
      <CreateEndpointDialog projectId={projectId} open={creating} onOpenChange={setCreating} />
    </Page>
  );
}
