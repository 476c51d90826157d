/** The queries for numbers over time and the request log. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { ProjectRates, ProjectTraffic, RequestLogView } from "@/src/shared/management/traffic";
import { RECENT_ERRORS, type TrafficRange } from "@/src/shared/traffic-limits";
import { requestJson } from "../api/request";

/** Servers store their counts this often. */
const TRAFFIC_MS = 10_000;
export const REQUESTS_MS = 1_500;

/** `endpointId`, `keyId`: `""` for all. */
export interface TrafficSelection {
  range: TrafficRange;
  endpointId: string;
  keyId: string;
}

export const HOUR: TrafficSelection = { range: "hour", endpointId: "", keyId: "" };

export const trafficQuery = (projectId: string, { range, endpointId, keyId }: TrafficSelection) =>
  queryOptions({
    queryKey: ["traffic", projectId, range, endpointId, keyId],
    queryFn: ({ signal }) => {
      const parameters = toParameters({ range, endpointId, keyId });
      return requestJson<ProjectTraffic>(`projects/${projectId}/traffic?${parameters}`, { signal });
    },
    refetchInterval: TRAFFIC_MS,
    placeholderData: keepPreviousData,
  });

export const ratesQuery = () =>
  queryOptions({
    queryKey: ["rates"],
    queryFn: ({ signal }) => requestJson<ProjectRates[]>("projects/traffic", { signal }),
    refetchInterval: TRAFFIC_MS,
  });

/** Each is `""` for all. */
export interface RequestFilter {
  outcome: string;
  status: string;
  code: string;
  endpointId: string;
  keyId: string;
  seq: string;
  requestId: string;
}

export const NO_FILTER: RequestFilter = { outcome: "", status: "", code: "", endpointId: "", keyId: "", seq: "", requestId: "" };

export const requestsQuery = (projectId: string, filter: RequestFilter, limit: number) =>
  queryOptions({
    queryKey: ["requests", projectId, filter, limit],
    queryFn: ({ signal }) => {
      const parameters = toParameters({ ...filter, limit: String(limit) });
      return requestJson<RequestLogView>(`projects/${projectId}/requests?${parameters}`, { signal });
    },
    refetchInterval: REQUESTS_MS,
    placeholderData: keepPreviousData,
  });

/** The logged request that wrote a change. */
export const writerQuery = (projectId: string, endpointId: string, seq: number) =>
  queryOptions({
    queryKey: ["writer", projectId, endpointId, seq],
    queryFn: ({ signal }) => {
      const parameters = toParameters({ endpointId, seq, limit: 1 });
      return requestJson<RequestLogView>(`projects/${projectId}/requests?${parameters}`, { signal });
    },
    enabled: projectId !== "",
    retry: false,
  });

/** The last requests that failed. */
export const recentErrorsQuery = (projectId: string) => ({
  ...requestsQuery(projectId, { ...NO_FILTER, outcome: "error" }, RECENT_ERRORS),
  refetchInterval: TRAFFIC_MS / 2,
});

function toParameters(values: object): URLSearchParams {
  return new URLSearchParams(
    Object.entries(values)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [name, String(value)]),
  );
}

export interface WrittenChange {
  type: string;
  record: { uniqueId: string };
  /** The beginning of its JSON. */
  data: string;
}

const DATA_LENGTH_MAX = 600;

/** One change of an endpoint's log. Null: it has expired. */
export const writtenChangeQuery = (endpointId: string, seq: number) =>
  queryOptions({
    queryKey: ["written-change", endpointId, seq],
    queryFn: async ({ signal }): Promise<WrittenChange | null> => {
      const { changes } = await requestJson<{ changes: { seq: number; type: string; record: { uniqueId: string; data: unknown } }[] }>(
        `endpoints/${endpointId}/changes?before=${seq + 1}&limit=1`,
        { signal },
      );
      const change = changes.find((each) => each.seq === seq);
      if (!change) return null;
      const { type, record } = change;
      return { type, record: { uniqueId: record.uniqueId }, data: JSON.stringify(record.data).slice(0, DATA_LENGTH_MAX) };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
