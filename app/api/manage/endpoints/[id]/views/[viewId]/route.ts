/** `/api/manage/endpoints/{id}/views/{viewId}` (G42). */
import { json, manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { deleteRecordView, updateRecordView } from "@/src/management/records/record-views";
import { recordViewPatchSchema } from "@/src/shared/management/record-views";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  PATCH: withBody(recordViewPatchSchema, async ({ runtime: { db }, user, id, params, body: patch }) =>
    json(await updateRecordView({ db, ownerId: user.id, endpointId: id, viewId: params.viewId ?? "", patch })),
  ),
  DELETE: async ({ runtime: { db }, user, id, params }) => {
    await deleteRecordView({ db, ownerId: user.id, endpointId: id, viewId: params.viewId ?? "" });
    return noContent();
  },
});
