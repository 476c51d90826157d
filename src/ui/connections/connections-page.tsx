/** The open streams of a project on all servers, kept up to date. */
"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ConnectionView } from "@/src/shared/management/schemas";
import { connectionsQuery, endpointsQuery, keysQuery } from "../api/queries";
import { ButtonLink } from "../components/button-link";
import { CodeBlock } from "../components/code-block";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { Select } from "../components/select";
import { formatCount } from "../format/format-number";
import { chooseFirstEndpoint, preferredKey } from "../snippets/choose-target";
import { toStreamUrl } from "../snippets/snippets";
import { ConnectionsTable } from "./connections-table";
import { DisconnectDialog } from "./disconnect-dialog";

export function ConnectionsPage({ projectId, origin }: { projectId: string; origin: string }) {
  const [endpointId, setEndpointId] = useState("");
  const [ending, setEnding] = useState<ConnectionView | null>(null);
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const { data, error, refetch } = useQuery({ ...connectionsQuery(projectId, endpointId), placeholderData: keepPreviousData });
  const isEmpty = data?.total === 0;
  return (
    <Page
      title="Connections"
      note={data ? toNote(data.total, data.connections.length) : "Clients connected right now."}
      actions={
        endpoints.length > 1 ? (
          <Select label="Endpoint" all="All endpoints" options={endpoints} value={endpointId} onChange={setEndpointId} />
        ) : null
      }
    >
      {error ? <ProblemPanel what="Couldn’t load open streams." error={error} onRetry={() => void refetch()} /> : null}
      {isEmpty ? <NoClients projectId={projectId} origin={origin} /> : null}
      {data && !isEmpty ? <ConnectionsTable connections={data.connections} onEnd={setEnding} /> : null}
      <DisconnectDialog projectId={projectId} connection={ending} onClose={() => setEnding(null)} />
    </Page>
  );
}

function toNote(total: number, shown: number): string {
  const streams = total === 1 ? "1 open stream" : `${formatCount(total)} open streams`;
  return shown < total ? `${streams}. Showing the newest ${formatCount(shown)}.` : `${streams}.`;
}

function NoClients({ projectId, origin }: { projectId: string; origin: string }) {
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const endpoint = chooseFirstEndpoint(endpoints);
  const key = preferredKey(keys, Date.now());
  return (
    <EmptyState
      sentence="No clients are connected."
      action={endpoint ? <ButtonLink href={`/p/${projectId}/endpoints/${endpoint.id}/live`}>Open the console</ButtonLink> : null}
    >
      {endpoint && key ? (
        <CodeBlock
          code={`const socket = new WebSocket("${toStreamUrl({ origin, endpointName: endpoint.name, key: key.key })}");\nsocket.onmessage = ({ data }) => console.log(JSON.parse(data));`}
          what="the code"
        />
      ) : null}
    </EmptyState>
  );
}
