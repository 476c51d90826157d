/** `/api/manage/endpoints/{id}/users`: the users of an authentication endpoint (G11), and new ones (G44). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createAppUser } from "@/src/management/app-users/create-app-user";
import { listAppUsers, parseAppUsersQuery } from "@/src/management/app-users/list-app-users";
import { appUserCreateSchema } from "@/src/shared/management/app-user-create";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, url }) =>
    json(await listAppUsers({ db, clock, ownerId: user.id, endpointId: id, query: parseAppUsersQuery(url.searchParams) })),
  POST: withBody(
    appUserCreateSchema,
    async ({ runtime, user, id, body: input, bodyText: text }) => {
      const { db, clock, users, mailer, emailQueue } = runtime;
      return json(await createAppUser({ db, clock, users, mailer, emailQueue, ownerId: user.id, endpointId: id, input, text }), 201);
    },
    { bytesMax: ({ config }) => config.bodyBytesMax },
  ),
});
