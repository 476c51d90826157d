/** `/api/manage/endpoints/{id}/records/update/preview`: what a change of all records that match would do (G40). */
import { jsonText, manageRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { previewUpdate } from "@/src/management/records/update-records";
import { recordsPreviewSchema } from "@/src/shared/management/record-edits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "heavy",
    withBody(
      recordsPreviewSchema,
      async ({ runtime, user, id, body, bodyText: text }) => {
        const { db, records: store, recordSearch: search, sandbox, users, config } = runtime;
        const ports = { db, store, search, sandbox, users, recordBytesMax: config.bodyBytesMax };
        return jsonText(await previewUpdate({ ...ports, ownerId: user.id, endpointId: id, body, text }));
      },
      { bytesMax: ({ config }) => config.bodyBytesMax },
    ),
  ),
});
