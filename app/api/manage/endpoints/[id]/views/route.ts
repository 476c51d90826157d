/** `/api/manage/endpoints/{id}/views`: the saved views of an endpoint's records (G42). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createRecordView, listRecordViews } from "@/src/management/records/record-views";
import { recordViewCreateSchema } from "@/src/shared/management/record-views";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id }) => json(await listRecordViews({ db, ownerId: user.id, endpointId: id })),
  POST: withBody(recordViewCreateSchema, async ({ runtime: { db }, user, id, body: input }) =>
    json(await createRecordView({ db, ownerId: user.id, endpointId: id, input }), 201),
  ),
});
