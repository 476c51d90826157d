/** `/api/manage/endpoints/{id}/records/edit`: changes fields of named records that still have their version (G41). */
import { jsonText, manageRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { editRecords } from "@/src/management/records/update-records";
import { recordsEditSchema } from "@/src/shared/management/record-edits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "heavy",
    withBody(
      recordsEditSchema,
      async ({ runtime, user, id, body, bodyText: text }) => {
        const { db, records: store, recordSearch: search, sandbox, users, config } = runtime;
        const ports = { db, store, search, sandbox, users, recordBytesMax: config.bodyBytesMax };
        return jsonText(await editRecords({ ...ports, ownerId: user.id, endpointId: id, body, text }));
      },
      { bytesMax: ({ config }) => config.bodyBytesMax },
    ),
  ),
});
