/** `/api/manage/endpoints/{id}/users/{uniqueId}/password`: sets a user's password (G12). */
import { manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { setAppUserPassword } from "@/src/management/app-users/change-app-user";
import { appPasswordSetSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  PUT: withBody(appPasswordSetSchema, async ({ runtime: { db, users }, user, id, params, body: { password } }) => {
    const userId = params.uniqueId ?? "";
    await setAppUserPassword({ db, users, ownerId: user.id, endpointId: id, userId, password });
    return noContent();
  }),
});
