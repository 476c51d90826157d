/** `/api/manage/account/sessions`: lists the sessions of the account. DELETE ends all others; with `tokens=true` it also revokes management tokens. */
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
