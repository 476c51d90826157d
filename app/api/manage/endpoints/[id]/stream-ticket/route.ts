/** `/api/manage/endpoints/{id}/stream-ticket`: issues a ticket for the console's stream. */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { issueStreamTicket } from "@/src/management/connections/issue-stream-ticket";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, clock }, signIn, id }) => json(await issueStreamTicket({ db, clock, signIn, endpointId: id }), 201),
});
