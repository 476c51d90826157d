/** What the dashboard reads of the management API. The server fills the same keys for the first paint. */
import { queryOptions } from "@tanstack/react-query";
import type { EndpointDetail, ManagedEndpoint, ManagedKey, ManagedProject, SessionView, TokenView } from "@/src/shared/management";
import { queryKeys } from "./query-keys";
import { requestApi } from "./request";

/** Counts and last uses move by themselves; they are asked for again this often while in sight. */
const MOVING_MS = 5000;

export const projectsQuery = () =>
  queryOptions({
    queryKey: queryKeys.projects(),
    queryFn: ({ signal }) => requestApi<ManagedProject[]>({ path: "/projects", signal }),
  });

export const projectQuery = (projectId: string) =>
  queryOptions({
    queryKey: queryKeys.project(projectId),
    queryFn: ({ signal }) => requestApi<ManagedProject>({ path: `/projects/${projectId}`, signal }),
  });

export const endpointsQuery = (projectId: string) =>
  queryOptions({
    queryKey: queryKeys.endpoints(projectId),
    queryFn: ({ signal }) => requestApi<ManagedEndpoint[]>({ path: `/projects/${projectId}/endpoints`, signal }),
    refetchInterval: MOVING_MS,
  });

export const endpointQuery = (endpointId: string) =>
  queryOptions({
    queryKey: queryKeys.endpoint(endpointId),
    queryFn: ({ signal }) => requestApi<EndpointDetail>({ path: `/endpoints/${endpointId}`, signal }),
    refetchInterval: MOVING_MS,
  });

export const keysQuery = (projectId: string) =>
  queryOptions({
    queryKey: queryKeys.keys(projectId),
    queryFn: ({ signal }) => requestApi<ManagedKey[]>({ path: `/projects/${projectId}/keys`, signal }),
    refetchInterval: MOVING_MS * 2,
  });

export const sessionsQuery = () =>
  queryOptions({
    queryKey: queryKeys.sessions(),
    queryFn: ({ signal }) => requestApi<SessionView[]>({ path: "/account/sessions", signal }),
  });

export const tokensQuery = () =>
  queryOptions({ queryKey: queryKeys.tokens(), queryFn: ({ signal }) => requestApi<TokenView[]>({ path: "/account/tokens", signal }) });
