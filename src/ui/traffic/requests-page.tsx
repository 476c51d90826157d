/** The request log of a project: the last requests of all servers, live. Opening the page records the project, until it is left or stopped. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { parseAsString, useQueryStates } from "nuqs";
import { useState } from "react";
import { endpointsQuery, keysQuery } from "../api/queries";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { PageRows } from "../components/page/skeleton";
import { Segments } from "../components/segments";
import { Select } from "../components/select";
import { chooseFirstEndpoint, preferredKey } from "../snippets/choose-target";
import { toFirstCurl } from "../snippets/snippets";
import { RecordingControls } from "./recording-controls";
import { RequestTable } from "./request-table";
import { NO_FILTER, REQUESTS_MS, type RequestFilter, requestsQuery } from "./traffic-queries";

const PARSERS = {
  outcome: parseAsString.withDefault(""),
  status: parseAsString.withDefault(""),
  code: parseAsString.withDefault(""),
  endpointId: parseAsString.withDefault(""),
  keyId: parseAsString.withDefault(""),
  seq: parseAsString.withDefault(""),
  requestId: parseAsString.withDefault(""),
};
const OUTCOMES = [
  { value: "", label: "All" },
  { value: "ok", label: "Succeeded" },
  { value: "error", label: "Failed" },
] as const;
const STEP = 50;
const LIMIT_MAX = 200;

export function RequestsPage({ projectId, origin }: { projectId: string; origin: string }) {
  const [filter, set] = useQueryStates(PARSERS, { history: "replace" });
  const [limit, setLimit] = useState(STEP);
  const [isPaused, setPaused] = useState(false);
  const { data, error, refetch } = useQuery({
    ...requestsQuery(projectId, filter, limit),
    refetchInterval: isPaused ? false : REQUESTS_MS,
  });
  const isFiltered = Object.values(filter).some((value) => value !== "");
  return (
    <Page
      title="Requests"
      note="Errors of the last day, and all requests while you record."
      actions={
        <RecordingControls projectId={projectId} recordedUntil={data?.recordedUntil ?? null} isPaused={isPaused} onPause={setPaused} />
      }
    >
      <div className="-mt-2 flex min-w-0 flex-col gap-4">
        <Filters projectId={projectId} filter={filter} onChange={(change) => void set(change)} isFiltered={isFiltered} />
        {error ? <ProblemPanel what="Couldn’t load the requests." error={error} onRetry={() => void refetch()} /> : null}
        {data ? (
          data.requests.length === 0 ? (
            isFiltered ? (
              <EmptyState
                sentence="No logged request matches these filters."
                action={<Button onClick={() => void set(NO_FILTER)}>Clear filters</Button>}
              />
            ) : (
              <NoRequests projectId={projectId} origin={origin} />
            )
          ) : (
            <div className="flex flex-col gap-3">
              <RequestTable projectId={projectId} requests={data.requests} onFilter={(change) => void set(change)} />
              {data.more && limit < LIMIT_MAX ? (
                <div>
                  <Button onClick={() => setLimit(Math.min(limit + STEP, LIMIT_MAX))}>Show more</Button>
                </div>
              ) : null}
            </div>
          )
        ) : error ? null : (
          <PageRows rows={8} />
        )}
      </div>
    </Page>
  );
}

function Filters({
  projectId,
  filter,
  onChange,
  isFiltered,
}: {
  projectId: string;
  filter: RequestFilter;
  onChange: (change: Partial<RequestFilter>) => void;
  isFiltered: boolean;
}) {
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const outcome = OUTCOMES.find(({ value }) => value === filter.outcome)?.value ?? "";
  const exact = [
    ["status", `Status ${filter.status}`],
    ["code", filter.code],
    ["seq", `Change ${filter.seq}`],
    ["requestId", filter.requestId],
  ] as const;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Segments label="Outcome" hideLabel value={outcome} options={OUTCOMES} onChange={(value) => onChange({ outcome: value })} />
      <Select
        label="Endpoint"
        all="All endpoints"
        value={filter.endpointId}
        options={endpoints}
        onChange={(endpointId) => onChange({ endpointId })}
      />
      <Select label="Key" all="All keys" value={filter.keyId} options={keys} onChange={(keyId) => onChange({ keyId })} />
      {exact.map(([name, text]) =>
        filter[name] === "" ? null : (
          <Button key={name} onClick={() => onChange({ [name]: "" })} aria-label={`Remove the filter ${text}`}>
            <span className="max-w-60 truncate font-mono text-data">{text}</span>
            <span aria-hidden="true">×</span>
          </Button>
        ),
      )}
      {isFiltered ? (
        <Button tone="quiet" onClick={() => onChange(NO_FILTER)}>
          Clear
        </Button>
      ) : null}
    </div>
  );
}

function NoRequests({ projectId, origin }: { projectId: string; origin: string }) {
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const endpoint = chooseFirstEndpoint(endpoints);
  const key = preferredKey(keys, Date.now());
  return (
    <EmptyState sentence="No requests yet. Send one while this page is open, and it appears within a second.">
      {endpoint && key ? (
        <CodeBlock code={toFirstCurl({ origin, endpointName: endpoint.name, key: key.key })} what="the curl command" />
      ) : null}
    </EmptyState>
  );
}
