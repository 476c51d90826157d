/** `/api/manage/account/sessions`: where one is signed in. */
import { json, manageRoute } from "@/app/lib/manage-route";
import { listSessions } from "@/src/control/list-sessions";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, sessionId }) =>
    json(await listSessions({ db, clock, userId: user.id, currentSessionId: sessionId })),
});
