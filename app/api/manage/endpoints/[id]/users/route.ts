/** `/api/manage/endpoints/{id}/users`: the users of an authentication endpoint (G11). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { listAppUsers, parseAppUsersQuery } from "@/src/management/app-users/list-app-users";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, url }) =>
    json(await listAppUsers({ db, clock, ownerId: user.id, endpointId: id, query: parseAppUsersQuery(url.searchParams) })),
});
