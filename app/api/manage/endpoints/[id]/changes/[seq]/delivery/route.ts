/** `/api/manage/endpoints/{id}/changes/{seq}/delivery`: the streams that a change is delivered to (G17). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { listDeliveries } from "@/src/management/changes/list-deliveries";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, changes, sandbox, judges, definitions }, user, id, params: { seq = "" } }) =>
    json(await listDeliveries({ db, changes, sandbox, judges, definitions, ownerId: user.id, endpointId: id, seq })),
});
