/** `/api/manage/projects/{id}/email` (M8): the e-mail configuration of a project. */
import { json, manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { deleteEmail, getEmail, putEmail } from "@/src/management/email/email";
import { emailConfigurationSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, email }, user, id }) =>
    json(await getEmail({ db, ownerId: user.id, projectId: id, configurations: email.configurations, ports: email.ports })),
  PUT: withBody(emailConfigurationSchema, async ({ runtime: { db, email, secrets: box }, user, id, body }) =>
    json(
      await putEmail({ db, ownerId: user.id, projectId: id, input: body, box, configurations: email.configurations, ports: email.ports }),
    ),
  ),
  DELETE: async ({ runtime: { db }, user, id }) => {
    await deleteEmail({ db, ownerId: user.id, projectId: id });
    return noContent();
  },
});
