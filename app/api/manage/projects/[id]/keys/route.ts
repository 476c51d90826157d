/** `/api/manage/projects/{id}/keys` (G3). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createKey, listKeys } from "@/src/management/keys/keys";
import { keyCreateSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, access, id }) => json(await listKeys({ db, ownerId: user.id, projectId: id, access })),
  POST: withBody(keyCreateSchema, async ({ runtime: { db, clock }, user, id, body }) =>
    json(await createKey({ db, clock, ownerId: user.id, projectId: id, input: body }), 201),
  ),
});
