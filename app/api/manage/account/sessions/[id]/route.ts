/** `/api/manage/account/sessions/{id}`: ends a session. */
import { manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { revokeSession } from "@/src/management/accounts/sessions";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, clock, signIns }, user, id }) => {
    await revokeSession({ db, clock, signIns, userId: user.id, sessionId: id });
    return noContent();
  },
});
