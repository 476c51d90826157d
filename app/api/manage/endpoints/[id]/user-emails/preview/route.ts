/** `/api/manage/endpoints/{id}/user-emails/preview`: an e-mail with example values (G25). Sends nothing. */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { previewUserEmail } from "@/src/management/endpoints/user-emails";
import { userEmailPreviewSchema } from "@/src/shared/management/schemas";

const BODY_BYTES_MAX = 256 * 1024;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(
    userEmailPreviewSchema,
    async ({ runtime: { db }, user, id, body: input }) => json(await previewUserEmail({ db, ownerId: user.id, endpointId: id, input })),
    { bytesMax: () => BODY_BYTES_MAX },
  ),
});
