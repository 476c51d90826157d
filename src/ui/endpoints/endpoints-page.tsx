/** All endpoints of a project, kept up to date. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { endpointsQuery } from "../api/queries";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { HOUR, trafficQuery } from "../traffic/traffic-queries";
import { CreateEndpointDialog } from "./create-endpoint-dialog";
import { EndpointTable } from "./endpoint-table";

export function EndpointsPage({ projectId, origin }: { projectId: string; origin: string }) {
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
          <EmptyState sentence="No endpoints yet. An endpoint stores JSON and streams every change over the same URL." action={create}>
            <CodeBlock
              title="What you can do with an endpoint"
              what="the example"
              code={`curl -H 'Content-Type: application/json' -d '{"temperature":21.5}' '${origin}/api/1/ce/readings?key=…'
new WebSocket('${origin.replace(/^http/, "ws")}/api/1/ce/readings?key=…')`}
            />
          </EmptyState>
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
