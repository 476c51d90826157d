/** `/api/manage/endpoints/{id}/access-preview`: how many records users could read under some rules (A6). */
import { json, manageRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { previewAccess } from "@/src/management/access/preview-access";
import { accessPreviewSchema } from "@/src/shared/management/access";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "heavy",
    withBody(accessPreviewSchema, async ({ runtime: { db, recordSearch: search }, user, id, body }) =>
      json(await previewAccess({ db, search, ownerId: user.id, endpointId: id, input: body })),
    ),
  ),
});
