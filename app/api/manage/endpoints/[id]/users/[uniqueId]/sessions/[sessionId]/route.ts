/** `/api/manage/endpoints/{id}/users/{uniqueId}/sessions/{sessionId}`: ends a user's session (G12). */
import { manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { revokeAppSession } from "@/src/management/app-users/app-sessions";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, clock, tokens }, user, id, params }) => {
    const { uniqueId: userId = "", sessionId = "" } = params;
    await revokeAppSession({ db, clock, tokens, ownerId: user.id, endpointId: id, userId, sessionId });
    return noContent();
  },
});
