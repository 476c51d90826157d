/** What the dashboard reads of the management API, by key. The server fills the same keys for the first paint. */
import { queryOptions } from "@tanstack/react-query";
import type { EndpointDetail, ManagedEndpoint, ManagedKey, ManagedProject, SessionView, TokenView } from "@/src/shared/management";
import { requestJson } from "./request";

/** Counts and last uses move by themselves; they are asked for again this often while in sight. */
const MOVING_MS = 5000;

export const projectsQuery = () =>
  queryOptions({ queryKey: ["projects"], queryFn: ({ signal }) => requestJson<ManagedProject[]>("projects", { signal }) });

export const projectQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["project", projectId],
    queryFn: ({ signal }) => requestJson<ManagedProject>(`projects/${projectId}`, { signal }),
  });

export const endpointsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["endpoints", projectId],
    queryFn: ({ signal }) => requestJson<ManagedEndpoint[]>(`projects/${projectId}/endpoints`, { signal }),
    refetchInterval: MOVING_MS,
  });

export const endpointQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["endpoint", endpointId],
    queryFn: ({ signal }) => requestJson<EndpointDetail>(`endpoints/${endpointId}`, { signal }),
    refetchInterval: MOVING_MS,
  });

export const keysQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["keys", projectId],
    queryFn: ({ signal }) => requestJson<ManagedKey[]>(`projects/${projectId}/keys`, { signal }),
    refetchInterval: MOVING_MS * 2,
  });

export const sessionsQuery = () =>
  queryOptions({ queryKey: ["sessions"], queryFn: ({ signal }) => requestJson<SessionView[]>("account/sessions", { signal }) });

export const tokensQuery = () =>
  queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => requestJson<TokenView[]>("account/tokens", { signal }) });
