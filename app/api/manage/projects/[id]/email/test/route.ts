/** `/api/manage/projects/{id}/email/test` (M8): sends a mail and returns the reply of the mail server. */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { testEmail } from "@/src/management/email/email";
import { emailTestSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(emailTestSchema, async ({ runtime: { db, email }, request, user, id, body }) =>
    json(await testEmail({ db, ownerId: user.id, projectId: id, to: body.to, ...email, signal: request.signal })),
  ),
});
