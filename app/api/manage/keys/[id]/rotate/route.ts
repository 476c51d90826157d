/** `/api/manage/keys/{id}/rotate` (G3). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { rotateKey } from "@/src/management/keys/rotate-key";
import { keyRotateSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(keyRotateSchema, async ({ runtime: { db, clock, definitions }, user, id, body }) =>
    json(await rotateKey({ db, clock, definitions, ownerId: user.id, keyId: id, input: body }), 201),
  ),
});
