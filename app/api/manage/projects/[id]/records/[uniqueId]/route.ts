/** `/api/manage/projects/{id}/records/{uniqueId}`: the endpoint that has a record (G43). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { locateRecord } from "@/src/management/records/locate-record";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id, params }) =>
    json(await locateRecord({ db, ownerId: user.id, projectId: id, uniqueId: params.uniqueId ?? "" })),
});
