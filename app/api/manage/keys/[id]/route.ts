/** `/api/manage/keys/{id}` (G3). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { revokeKey } from "@/src/management/keys/keys";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, clock, definitions }, user, id }) =>
    json(await revokeKey({ db, clock, definitions, ownerId: user.id, keyId: id })),
});
