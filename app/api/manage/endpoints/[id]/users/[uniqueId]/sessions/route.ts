/** `/api/manage/endpoints/{id}/users/{uniqueId}/sessions`: a user's sessions (G12). */
import { json, manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { listAppSessions, revokeAppSessions } from "@/src/management/app-users/app-sessions";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, params }) =>
    json(await listAppSessions({ db, clock, ownerId: user.id, endpointId: id, userId: params.uniqueId ?? "" })),
  DELETE: async ({ runtime: { db, clock, tokens }, user, id, params }) => {
    await revokeAppSessions({ db, clock, tokens, ownerId: user.id, endpointId: id, userId: params.uniqueId ?? "" });
    return noContent();
  },
});
