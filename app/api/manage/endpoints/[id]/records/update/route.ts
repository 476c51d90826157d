/** `/api/manage/endpoints/{id}/records/update`: changes fields of all records that match (G40). */
import { json, manageRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { updateRecords } from "@/src/management/records/update-records";
import { recordsUpdateSchema } from "@/src/shared/management/record-edits";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withLimit(
    "heavy",
    withBody(
      recordsUpdateSchema,
      async ({ runtime, user, id, body, bodyText: text }) => {
        const { db, records: store, recordSearch: search, sandbox, users, config } = runtime;
        const ports = { db, store, search, sandbox, users, recordBytesMax: config.bodyBytesMax };
        return json(await updateRecords({ ...ports, ownerId: user.id, endpointId: id, body, text }));
      },
      { bytesMax: ({ config }) => config.bodyBytesMax },
    ),
  ),
});
