/** `/api/manage/account/sessions`: where one is signed in; DELETE signs out everywhere else, with `tokens=true` of management tokens too. */
import { json, manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { endSignIns, parseEndSignInsQuery } from "@/src/management/accounts/account";
import { listSessions } from "@/src/management/accounts/sessions";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, sessionId }) =>
    json(await listSessions({ db, clock, userId: user.id, currentSessionId: sessionId })),
  DELETE: async ({ runtime: { db, clock, signIns }, url, signIn }) => {
    await endSignIns({ db, clock, signIns, signIn, ...parseEndSignInsQuery(url.searchParams) });
    return noContent();
  },
});
