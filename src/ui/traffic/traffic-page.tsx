/** The numbers of a project over time: charts, and tables by endpoint, key and error. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import type { ProjectTraffic } from "@/src/shared/management/traffic";
import { TRAFFIC_RANGE_NAMES } from "@/src/shared/traffic-limits";
import { endpointsQuery, keysQuery } from "../api/queries";
import { EmptyState } from "../components/page/empty-state";
import { Page } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { Skeleton } from "../components/page/skeleton";
import { Segments } from "../components/segments";
import { Select } from "../components/select";
import { formatCount } from "../format/format-number";
import { ChartPanel } from "./chart-panel";
import { formatLatency, formatWhole, RANGE_LABELS, RANGE_TEXTS } from "./format-traffic";
import { CodeParts, EndpointParts, KeyParts } from "./part-tables";
import { Totals } from "./totals";
import { trafficQuery } from "./traffic-queries";
import { UsageSection } from "./usage-section";

const PARSERS = {
  range: parseAsStringLiteral(TRAFFIC_RANGE_NAMES).withDefault("hour"),
  endpoint: parseAsString.withDefault(""),
  key: parseAsString.withDefault(""),
};

const RANGES = TRAFFIC_RANGE_NAMES.map((value) => ({ value, label: RANGE_LABELS[value] }));

export function TrafficPage({ projectId }: { projectId: string }) {
  const [{ range, endpoint, key }, set] = useQueryStates(PARSERS, { history: "replace" });
  const { data: endpoints = [] } = useQuery(endpointsQuery(projectId));
  const { data: keys = [] } = useQuery(keysQuery(projectId));
  const { data, error, refetch } = useQuery(trafficQuery(projectId, { range, endpointId: endpoint, keyId: key }));
  const isFiltered = endpoint !== "" || key !== "";
  return (
    <Page
      title="Usage"
      note="Requests and streams of this project, up to ten seconds old."
      actions={<Segments label="Range" hideLabel value={range} options={RANGES} onChange={(value) => void set({ range: value })} />}
    >
      <div className="-mt-2 flex flex-wrap gap-2">
        <Select
          label="Endpoint"
          value={endpoint}
          all="All endpoints"
          options={endpoints}
          onChange={(id) => void set({ endpoint: id || null })}
        />
        <Select label="Key" value={key} all="All keys" options={keys} onChange={(id) => void set({ key: id || null })} />
      </div>
      {error ? <ProblemPanel what="Couldn’t load traffic." error={error} onRetry={() => void refetch()} /> : null}
      {data ? (
        <>
          <Totals totals={data.totals} range={data.range} />
          {data.totals.requests + data.totals.streams + data.totals.deliveries === 0 ? (
            <EmptyState
              sentence={
                isFiltered
                  ? `No requests with this endpoint and key ${RANGE_TEXTS[data.range]}.`
                  : `No requests ${RANGE_TEXTS[data.range]}. Send one. It is counted here within ten seconds.`
              }
            />
          ) : (
            <Charts traffic={data} />
          )}
          <CodeParts codes={data.codes} requests={data.totals.requests} toHref={(code) => `/p/${projectId}/requests?code=${code}`} />
          <EndpointParts endpoints={data.endpoints} onSelect={(id) => void set({ endpoint: id })} />
          <KeyParts keys={data.keys} onSelect={(id) => void set({ key: id })} />
        </>
      ) : error ? null : (
        <div role="status" aria-label="Loading" className="flex flex-col gap-3">
          <Skeleton height={72} />
          <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
            {[1, 2, 3, 4].map((each) => (
              <Skeleton key={each} height={268} />
            ))}
          </div>
        </div>
      )}
      <UsageSection projectId={projectId} />
    </Page>
  );
}

function Charts({ traffic: { points, totals, range } }: { traffic: ProjectTraffic }) {
  const times = points.map(({ at }) => Date.parse(at) / 1000);
  const of = (name: "requests" | "errors" | "writes" | "deliveries" | "streams" | "p50" | "p99") => points.map((point) => point[name]);
  const when = RANGE_TEXTS[range];
  return (
    <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
      <ChartPanel
        title="Requests"
        summary={`${formatCount(totals.requests)} ${when}, ${formatCount(totals.errors)} of them errors.`}
        times={times}
        format={formatWhole}
        series={[
          { label: "Requests", color: "live", values: of("requests"), filled: true },
          { label: "Errors", color: "delete", values: of("errors"), filled: true },
        ]}
      />
      <ChartPanel
        title="Response time"
        summary={`Half of them within ${formatLatency(totals.p50)}, 99 % within ${formatLatency(totals.p99)}.`}
        times={times}
        format={formatLatency}
        series={[
          { label: "Median", color: "update", values: of("p50") },
          { label: "99 %", color: "warn", values: of("p99") },
        ]}
      />
      <ChartPanel
        title="Writes and deliveries"
        summary={`${formatCount(totals.writes)} records changed, ${formatCount(totals.deliveries)} changes sent to streams.`}
        times={times}
        format={formatWhole}
        series={[
          { label: "Writes", color: "create", values: of("writes") },
          { label: "Deliveries", color: "update", values: of("deliveries") },
        ]}
      />
      <ChartPanel
        title="Open streams"
        summary={`At most ${formatCount(totals.streams)} at once.`}
        times={times}
        format={formatWhole}
        series={[{ label: "Streams", color: "live", values: of("streams"), filled: true }]}
      />
    </div>
  );
}
