/** `/api/manage/endpoints/{id}/users/{uniqueId}/password-email`: sends a user an e-mail to set a password (G44). */
import { manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { sendPasswordEmail } from "@/src/management/app-users/create-app-user";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, emailQueue }, user, id, params }) => {
    await sendPasswordEmail({ db, emailQueue, ownerId: user.id, endpointId: id, userId: params.uniqueId ?? "" });
    return noContent();
  },
});
