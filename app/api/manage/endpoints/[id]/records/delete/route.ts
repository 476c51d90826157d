/** `/api/manage/endpoints/{id}/records/delete`: deletes several records (G13). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { deleteRecords } from "@/src/management/records/records";
import { recordsDeleteSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(recordsDeleteSchema, async ({ runtime: { db, records: store, tokens, files }, user, id, body: { uniqueIds } }) => {
    const deleted = await deleteRecords({ db, store, tokens, ownerId: user.id, endpointId: id, uniqueIds });
    files.sweepSoon();
    return json({ deleted });
  }),
});
