/** `/api/manage/projects/{id}/requests`: the last requests, newest first (G32). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { listRequests, parseRequestLogQuery } from "@/src/management/traffic/request-log";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, url }) =>
    json(await listRequests({ db, ownerId: user.id, projectId: id, now: clock.now(), ...parseRequestLogQuery(url.searchParams) })),
});
