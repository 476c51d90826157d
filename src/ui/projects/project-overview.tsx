/** The overview of a project: first steps, endpoints, keys, usage. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ManagedKey } from "@/src/shared/management/schemas";
import { endpointsQuery, keysQuery, projectQuery } from "../api/queries";
import { Button } from "../components/button";
import { ButtonLink } from "../components/button-link";
import { CopyButton } from "../components/copy-button";
import { EmptyState } from "../components/page/empty-state";
import { Page, Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { CreateEndpointDialog } from "../endpoints/create-endpoint-dialog";
import { EndpointTable } from "../endpoints/endpoint-table";
import { formatPlural } from "../format/format-number";
import { workingKeys } from "../snippets/choose-target";
import { HealthLine } from "../traffic/health-line";
import { RecentErrors } from "../traffic/recent-errors";
import { HOUR, trafficQuery } from "../traffic/traffic-queries";
import { FirstSteps } from "./first-steps";

const KEYS_SHOWN = 3;

export function ProjectOverview({ projectId, origin }: { projectId: string; origin: string }) {
  const [creating, setCreating] = useState(false);
  const { data: project } = useQuery(projectQuery(projectId));
  const endpoints = useQuery(endpointsQuery(projectId));
  const keys = useQuery(keysQuery(projectId));
  const { data: traffic } = useQuery(trafficQuery(projectId, HOUR));
  return (
    <Page title={project?.name ?? ""} note={<HealthLine projectId={projectId} />}>
      {endpoints.data && keys.data && traffic ? (
        <FirstSteps
          projectId={projectId}
          origin={origin}
          endpoints={endpoints.data}
          keys={keys.data}
          hasStreamed={traffic.hasStreamed || endpoints.data.some(({ subscribers }) => subscribers > 0)}
          onCreateEndpoint={() => setCreating(true)}
        />
      ) : null}
      <Section
        title="Endpoints"
        // Without an endpoint, the first step has the button.
        actions={endpoints.data?.length === 0 ? undefined : <Button onClick={() => setCreating(true)}>New endpoint</Button>}
      >
        {endpoints.data ? (
          endpoints.data.length === 0 ? (
            <EmptyState sentence="No endpoints yet." />
          ) : (
            <EndpointTable projectId={projectId} endpoints={endpoints.data} traffic={traffic} />
          )
        ) : endpoints.error ? (
          <ProblemPanel what="Couldn’t load endpoints." error={endpoints.error} onRetry={endpoints.refetch} />
        ) : null}
      </Section>
      <RecentErrors projectId={projectId} />
      <Section title="Keys" actions={<ButtonLink href={`/p/${projectId}/keys`}>Manage keys</ButtonLink>}>
        {keys.data ? (
          <KeySummary keys={keys.data} />
        ) : keys.error ? (
          <ProblemPanel what="Couldn’t load keys." error={keys.error} onRetry={keys.refetch} />
        ) : null}
      </Section>
      <CreateEndpointDialog projectId={projectId} open={creating} onOpenChange={setCreating} />
    </Page>
  );
}

function KeySummary({ keys }: { keys: readonly ManagedKey[] }) {
  const working = workingKeys(keys, Date.now());
  if (working.length === 0) return <EmptyState sentence="This project has no working key, so nothing can call its endpoints." />;
  return (
    <Panel padded={false}>
      <ul className="divide-y divide-line">
        {working.slice(0, KEYS_SHOWN).map(({ id, name, key, lastUsedAt }) => (
          <li key={id} className="flex min-h-row items-center gap-4 pr-2 pl-3">
            <span className="w-32 shrink-0 truncate font-medium" title={name}>
              {name}
            </span>
            <span className="min-w-0 flex-1 truncate font-mono text-data text-muted">{key}</span>
            <span className="text-muted max-sm:hidden">
              {lastUsedAt === null ? (
                "never used"
              ) : (
                <>
                  used <RelativeTime time={lastUsedAt} />
                </>
              )}
            </span>
            <CopyButton text={key} what={`the key ${name}`} />
          </li>
        ))}
      </ul>
      {working.length > KEYS_SHOWN ? (
        <p className="border-t border-line px-3 py-2 text-muted">and {formatPlural(working.length - KEYS_SHOWN, "other", "others")}</p>
      ) : null}
    </Panel>
  );
}
