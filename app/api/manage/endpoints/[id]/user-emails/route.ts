/** `/api/manage/endpoints/{id}/user-emails`: the e-mails of an authentication endpoint to its users (G25). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { readUserEmails, updateUserEmails } from "@/src/management/endpoints/user-emails";
import { userEmailsPatchSchema } from "@/src/shared/management/schemas";

/** Four templates of the largest size, each character of which may take several bytes. */
const BODY_BYTES_MAX = 1024 * 1024;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, mailer }, user, id }) =>
    json(await readUserEmails({ db, canSend: (projectId) => mailer.isConfigured(projectId), ownerId: user.id, endpointId: id })),
  PATCH: withBody(
    userEmailsPatchSchema,
    async ({ runtime: { db, writeDb, endpointQueue: queue, definitions, mailer }, user, id, body: patch }) => {
      const canSend = (projectId: string) => mailer.isConfigured(projectId);
      return json(await updateUserEmails({ db, writeDb, queue, definitions, canSend, ownerId: user.id, endpointId: id, patch }));
    },
    { bytesMax: () => BODY_BYTES_MAX },
  ),
});
