/** `/api/manage/endpoints/{id}/users/{uniqueId}` (G11). */
import { json, manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { deleteAppUser } from "@/src/management/app-users/change-app-user";
import { getAppUser } from "@/src/management/app-users/list-app-users";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, params }) =>
    json(await getAppUser({ db, clock, ownerId: user.id, endpointId: id, userId: params.uniqueId ?? "" })),
  DELETE: async ({ runtime: { db, users }, user, id, params }) => {
    await deleteAppUser({ db, users, ownerId: user.id, endpointId: id, userId: params.uniqueId ?? "" });
    return noContent();
  },
});
