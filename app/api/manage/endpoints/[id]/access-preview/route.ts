/** `/api/manage/endpoints/{id}/access-preview`: how many records users could read under some rules (A6). */
import { json, manageRoute, SCHEMA_BODY_BYTES_MAX, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { previewAccess } from "@/src/management/access/preview-access";
import { accessPreviewSchema } from "@/src/shared/management/access";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "heavy",
    withBody(
      accessPreviewSchema,
      async ({ runtime, user, id, body }) => {
        const { db, recordSearch: search, sandbox, functionVerdicts: verdicts, clock } = runtime;
        return json(await previewAccess({ db, search, sandbox, verdicts, clock, ownerId: user.id, endpointId: id, input: body }));
      },
      { bytesMax: () => SCHEMA_BODY_BYTES_MAX },
    ),
  ),
});
