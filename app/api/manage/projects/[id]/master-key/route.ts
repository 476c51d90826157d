/** `/api/manage/projects/{id}/master-key` (G2, U6). */
import { json, manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { createMasterKey, removeMasterKey } from "@/src/management/projects/master-key";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, definitions }, user, id }) =>
    json(await createMasterKey({ db, definitions, ownerId: user.id, projectId: id }), 201),
  DELETE: async ({ runtime: { db, definitions }, user, id }) => {
    await removeMasterKey({ db, definitions, ownerId: user.id, projectId: id });
    return noContent();
  },
});
