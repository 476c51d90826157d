/** Reads the data that pages of projects and endpoints start with, once per request. Shows the page for 404 for unknown ids. */
import { notFound } from "next/navigation";
import { cache } from "react";
import { getEndpoint, listEndpoints } from "@/src/management/endpoints/endpoints";
import { listKeys } from "@/src/management/keys/keys";
import { describeProject, getProject, listProjects } from "@/src/management/projects/projects";
import { getUsage } from "@/src/management/quotas";
import { readTraffic } from "@/src/management/traffic/read-traffic";
import { listRequests, parseRequestLogQuery } from "@/src/management/traffic/request-log";
import { listWebhooks, readWebhook } from "@/src/management/webhooks/own-webhook";
import { getRuntime } from "@/src/runtime/registry";
import { AppError, isAppError } from "@/src/shared/errors";
import type { ProjectUsage } from "@/src/shared/management/quotas";
import type { EndpointDetail, ManagedKey, ManagedProject } from "@/src/shared/management/schemas";
import type { ProjectTraffic, RequestLogView } from "@/src/shared/management/traffic";
import type { WebhookView } from "@/src/shared/management/webhooks";
import type { ApiDocument } from "@/src/shared/openapi";
import { RECENT_ERRORS } from "@/src/shared/traffic-limits";
import { getCurrentPage, getOrigin } from "./current-page";
import { orPageFailure, toPageFailure } from "./page-failure";
import { requireUser } from "./sign-in/current-user";
import type { CurrentUser } from "./sign-in/read-session";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const countSubscribers = (endpointId: string) => getRuntime().hub.subscriberCount(endpointId);

/** The signed-in user. Others are redirected to the sign-in page and return afterwards. */
export const loadUser = cache(async (): Promise<CurrentUser> => orPageFailure(async () => requireUser(await getCurrentPage())));

/** The projects of the signed-in user. */
export const loadProjects = cache(async (): Promise<ManagedProject[]> => {
  const { id: ownerId } = await loadUser();
  const { db, clock } = getRuntime();
  return orPageFailure(() => listProjects({ db, clock, ownerId }));
});

export const loadProject = cache(async (projectId: string): Promise<ManagedProject> => {
  const { id: ownerId } = await loadUser();
  const { db, clock } = getRuntime();
  return orNotFound([projectId], () => getProject({ db, clock, ownerId, projectId }));
});

export const loadEndpoints = cache(async (projectId: string): Promise<EndpointDetail[]> => {
  const { id: ownerId } = await loadUser();
  const { db } = getRuntime();
  return orNotFound([projectId], () => listEndpoints({ db, countSubscribers, ownerId, projectId }));
});

export const loadKeys = cache(async (projectId: string): Promise<ManagedKey[]> => {
  const { id: ownerId } = await loadUser();
  const { db } = getRuntime();
  return orNotFound([projectId], () => listKeys({ db, ownerId, projectId }));
});

export const loadUsage = cache(async (projectId: string): Promise<ProjectUsage> => {
  const user = await loadUser();
  const { db, quotas } = getRuntime();
  return orNotFound([projectId], () => getUsage({ db, quotas, user, projectId }));
});

/** The numbers of the last hour. */
export const loadHour = cache(async (projectId: string): Promise<ProjectTraffic> => {
  const { id: ownerId } = await loadUser();
  const { db, clock } = getRuntime();
  const query = { range: "hour", endpointId: null, keyId: null } as const;
  return orNotFound([projectId], () => readTraffic({ db, ownerId, projectId, now: clock.now(), ...query }));
});

/** The last requests that failed. */
export const loadErrors = cache(async (projectId: string): Promise<RequestLogView> => {
  const { id: ownerId } = await loadUser();
  const { db, clock } = getRuntime();
  const query = parseRequestLogQuery(new URLSearchParams({ outcome: "error", limit: String(RECENT_ERRORS) }));
  return orNotFound([projectId], () => listRequests({ db, ownerId, projectId, now: clock.now(), ...query }));
});

/** The endpoint, which must belong to the project. */
export const loadEndpoint = cache(async (projectId: string, endpointId: string): Promise<EndpointDetail> => {
  const { id: ownerId } = await loadUser();
  const { db } = getRuntime();
  return orNotFound([projectId, endpointId], async () => {
    const endpoint = await getEndpoint({ db, countSubscribers, ownerId, endpointId });
    if (endpoint.projectId !== projectId) throw new AppError("not_found");
    return endpoint;
  });
});

export const loadWebhooks = cache(async (projectId: string): Promise<WebhookView[]> => {
  const { id: ownerId } = await loadUser();
  const { db } = getRuntime();
  return orNotFound([projectId], () => listWebhooks({ db, ownerId, projectId, access: null }));
});

/** The webhook, which must belong to the project. */
export const loadWebhook = cache(async (projectId: string, webhookId: string): Promise<WebhookView> => {
  const { id: ownerId } = await loadUser();
  const { db } = getRuntime();
  return orNotFound([projectId, webhookId], async () => {
    const webhook = await readWebhook({ db, ownerId, webhookId });
    if (webhook.projectId !== projectId) throw new AppError("not_found");
    return webhook;
  });
});

/** The OpenAPI document of one endpoint (G5). */
export const loadDescription = cache(async (projectId: string, endpointId: string): Promise<ApiDocument> => {
  const { id: ownerId } = await loadUser();
  const { db, clock, config } = getRuntime();
  const origin = await getOrigin(config.publicUrl);
  return orNotFound([projectId, endpointId], () => describeProject({ db, clock, ownerId, projectId, endpointId, origin }));
});

/** The result of `read`. Shows the page for 404 if one of the `ids` is not a UUID or `read` throws `not_found`. */
async function orNotFound<Value>(ids: readonly string[], read: () => Promise<Value>): Promise<Value> {
  try {
    if (!ids.every((id) => UUID.test(id))) throw new AppError("not_found");
    return await read();
  } catch (error) {
    if (isAppError(error) && error.code === "not_found") notFound();
    throw toPageFailure(error);
  }
}
