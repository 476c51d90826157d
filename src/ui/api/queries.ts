/** The queries of the dashboard to the management API. The server seeds them by the same keys (Prefetched). */
import { queryOptions } from "@tanstack/react-query";
import type { AccessVersions } from "@/src/shared/management/access";
import type { EmailSettings } from "@/src/shared/management/email";
import type { ProjectUsage } from "@/src/shared/management/quotas";
import type {
  AppSessionView,
  AppUsers,
  Connections,
  Deliveries,
  EndpointDetail,
  ManagedKey,
  ManagedProject,
  SessionView,
  TokenView,
} from "@/src/shared/management/schemas";
import type { UserEmails } from "@/src/shared/management/user-emails";
import type { WebhookDeliveries, WebhookView } from "@/src/shared/management/webhooks";
import { requestJson } from "./request";

/** Counts and times of last use change without the user. Visible ones are refetched this often. */
const REFETCH_MS = 5000;
/** About as often as servers learn of the streams of other servers. */
const CONNECTIONS_MS = 2000;

export const projectsQuery = () =>
  queryOptions({ queryKey: ["projects"], queryFn: ({ signal }) => requestJson<ManagedProject[]>("projects", { signal }) });

export const projectQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["project", projectId],
    queryFn: ({ signal }) => requestJson<ManagedProject>(`projects/${projectId}`, { signal }),
  });

export const emailQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["email", projectId],
    queryFn: ({ signal }) => requestJson<EmailSettings>(`projects/${projectId}/email`, { signal }),
  });

export const usageQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["usage", projectId],
    queryFn: ({ signal }) => requestJson<ProjectUsage>(`projects/${projectId}/usage`, { signal }),
    refetchInterval: REFETCH_MS * 2,
  });

export const endpointsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["endpoints", projectId],
    queryFn: ({ signal }) => requestJson<EndpointDetail[]>(`projects/${projectId}/endpoints`, { signal }),
    refetchInterval: REFETCH_MS,
  });

export const endpointQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["endpoint", endpointId],
    queryFn: ({ signal }) => requestJson<EndpointDetail>(`endpoints/${endpointId}`, { signal }),
    refetchInterval: REFETCH_MS,
  });

export const userEmailsQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["user-emails", endpointId],
    queryFn: ({ signal }) => requestJson<UserEmails>(`endpoints/${endpointId}/user-emails`, { signal }),
  });

/** The versions of an endpoint's access, newest first. */
export const accessVersionsQuery = (endpointId: string) =>
  queryOptions({
    queryKey: ["access-versions", endpointId],
    queryFn: ({ signal }) => requestJson<AccessVersions>(`endpoints/${endpointId}/access-versions`, { signal }),
  });

export const keysQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["keys", projectId],
    queryFn: ({ signal }) => requestJson<ManagedKey[]>(`projects/${projectId}/keys`, { signal }),
    refetchInterval: REFETCH_MS * 2,
  });

/** A page of the users of an authentication endpoint whose names contain `search`. It starts after the name `after`, or at the first user if `after` is empty. */
export const appUsersQuery = (endpointId: string, { search, after }: { search: string; after: string }) =>
  queryOptions({
    queryKey: ["users", endpointId, search, after],
    queryFn: ({ signal }) => {
      const parameters = new URLSearchParams({ ...(search === "" ? {} : { search }), ...(after === "" ? {} : { after }) });
      return requestJson<AppUsers>(`endpoints/${endpointId}/users?${parameters}`, { signal });
    },
    refetchInterval: REFETCH_MS,
  });

export const appSessionsQuery = (endpointId: string, userId: string) =>
  queryOptions({
    queryKey: ["user-sessions", endpointId, userId],
    queryFn: ({ signal }) => requestJson<AppSessionView[]>(`endpoints/${endpointId}/users/${userId}/sessions`, { signal }),
    refetchInterval: REFETCH_MS,
  });

/** Open streams, newest first, of one endpoint or of all (`""`). */
export const connectionsQuery = (projectId: string, endpointId = "") =>
  queryOptions({
    queryKey: ["connections", projectId, endpointId],
    queryFn: ({ signal }) => {
      const parameters = new URLSearchParams(endpointId === "" ? {} : { endpointId });
      return requestJson<Connections>(`projects/${projectId}/connections?${parameters}`, { signal });
    },
    refetchInterval: CONNECTIONS_MS,
  });

/** The open streams of a key, newest first. */
export const keyConnectionsQuery = (projectId: string, keyId: string) =>
  queryOptions({
    queryKey: ["key-connections", projectId, keyId],
    queryFn: ({ signal }) => requestJson<Connections>(`projects/${projectId}/connections?keyId=${keyId}&limit=500`, { signal }),
    refetchInterval: CONNECTIONS_MS,
  });

/** The streams that a change is delivered to. */
export const deliveriesQuery = (endpointId: string, seq: number) =>
  queryOptions({
    queryKey: ["deliveries", endpointId, seq],
    queryFn: ({ signal }) => requestJson<Deliveries>(`endpoints/${endpointId}/changes/${seq}/delivery`, { signal }),
    retry: false,
  });

export const webhooksQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["webhooks", projectId],
    queryFn: ({ signal }) => requestJson<WebhookView[]>(`projects/${projectId}/webhooks`, { signal }),
    refetchInterval: REFETCH_MS,
  });

export const webhookQuery = (webhookId: string) =>
  queryOptions({
    queryKey: ["webhook", webhookId],
    queryFn: ({ signal }) => requestJson<WebhookView>(`webhooks/${webhookId}`, { signal }),
    refetchInterval: REFETCH_MS,
  });

/** A page of deliveries in a state, or in any (`""`). It starts after the cursor `before`, or at the newest if `before` is empty. */
export const webhookDeliveriesQuery = (webhookId: string, { state, before }: { state: string; before: string }) =>
  queryOptions({
    queryKey: ["webhook-deliveries", webhookId, state, before],
    queryFn: ({ signal }) => {
      const parameters = new URLSearchParams({ ...(state === "" ? {} : { state }), ...(before === "" ? {} : { before }) });
      return requestJson<WebhookDeliveries>(`webhooks/${webhookId}/deliveries?${parameters}`, { signal });
    },
    refetchInterval: REFETCH_MS,
  });

export const sessionsQuery = () =>
  queryOptions({ queryKey: ["sessions"], queryFn: ({ signal }) => requestJson<SessionView[]>("account/sessions", { signal }) });

export const tokensQuery = () =>
  queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => requestJson<TokenView[]>("account/tokens", { signal }) });
