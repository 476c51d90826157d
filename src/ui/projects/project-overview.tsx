/** The overview of a project: first steps, the numbers of the last hour, endpoints, recent errors. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { endpointsQuery, keysQuery, projectQuery } from "../api/queries";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { EmptyState } from "../components/page/empty-state";
import { Page, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { CreateEndpointDialog } from "../endpoints/create-endpoint-dialog";
import { EndpointTable } from "../endpoints/endpoint-table";
import { workingKeys } from "../snippets/choose-target";
import { UseTemplateDialog } from "../templates/use-template-dialog";
import { HealthLine } from "../traffic/health-line";
import { RecentErrors } from "../traffic/recent-errors";
import { Totals } from "../traffic/totals";
import { HOUR, trafficQuery } from "../traffic/traffic-queries";
import { FirstSteps } from "./first-steps";

const COUNTS_KEPT_MS = 31 * 24 * 60 * 60 * 1000;

export function ProjectOverview({ projectId, origin }: { projectId: string; origin: string }) {
  const [creating, setCreating] = useState(false);
  const [choosing, setChoosing] = useState(false);
  const { data: project } = useQuery(projectQuery(projectId));
  const endpoints = useQuery(endpointsQuery(projectId));
  const keys = useQuery(keysQuery(projectId));
  const { data: traffic } = useQuery(trafficQuery(projectId, HOUR));
  return (
    <Page title={project?.name ?? ""} note={<HealthLine projectId={projectId} />}>
      {endpoints.data && keys.data && traffic && project && (endpoints.data.length === 0 || isNew(project.createdAt)) ? (
        <FirstSteps
          projectId={projectId}
          origin={origin}
          endpoints={endpoints.data}
          keys={keys.data}
          hasWritten={traffic.hasWritten}
          hasStreamed={traffic.hasStreamed || endpoints.data.some(({ subscribers }) => subscribers > 0)}
          onCreateEndpoint={() => setCreating(true)}
          onUseTemplate={() => setChoosing(true)}
        />
      ) : null}
      {keys.data && workingKeys(keys.data, Date.now()).length === 0 ? (
        <EmptyState
          sentence="This project has no working key, so nothing can call its endpoints."
          action={<ButtonLink href={`/p/${projectId}/keys`}>Create a key</ButtonLink>}
        />
      ) : null}
      {traffic && endpoints.data && endpoints.data.length > 0 ? (
        <Section title="Last hour" actions={<ButtonLink href={`/p/${projectId}/usage`}>View charts</ButtonLink>}>
          <Totals totals={traffic.totals} range={traffic.range} />
        </Section>
      ) : null}
      {/* Without an endpoint, the first step has the button. */}
      {endpoints.data?.length === 0 ? null : (
        <Section
          title="Endpoints"
          actions={
            <div className="flex flex-wrap gap-2">
              <Button onClick={() => setChoosing(true)}>Use a template</Button>
              <Button onClick={() => setCreating(true)}>New endpoint</Button>
            </div>
          }
        >
          {endpoints.data ? (
            <EndpointTable projectId={projectId} endpoints={endpoints.data} traffic={traffic} />
          ) : endpoints.error ? (
            <ProblemPanel what="Couldn’t load endpoints." error={endpoints.error} onRetry={endpoints.refetch} />
          ) : null}
        </Section>
      )}
      <RecentErrors projectId={projectId} />
      <CreateEndpointDialog projectId={projectId} open={creating} onOpenChange={setCreating} />
      <UseTemplateDialog projectId={projectId} open={choosing} onOpenChange={setChoosing} />
    </Page>
  );
}

/** Whether the counts still contain the first requests of a project (G31.5). */
function isNew(createdAt: string): boolean {
  return Date.now() - Date.parse(createdAt) < COUNTS_KEPT_MS;
}
