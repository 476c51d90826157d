/** `/api/manage/projects/{id}/connections`: open streams (G16). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { listConnections, parseConnectionsQuery } from "@/src/management/connections/connections";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id, url }) =>
    json(await listConnections({ db, ownerId: user.id, projectId: id, ...parseConnectionsQuery(url.searchParams) })),
});
