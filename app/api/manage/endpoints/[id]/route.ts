/** `/api/manage/endpoints/{id}` (G4). */
import { json, manageRoute, noContent, SCHEMA_BODY_BYTES_MAX, withBody } from "@/app/lib/manage/manage-route";
import { deleteEndpoint, getEndpoint, updateEndpoint } from "@/src/management/endpoints/endpoints";
import { endpointPatchSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, hub }, user, id }) =>
    json(await getEndpoint({ db, countSubscribers: (endpointId) => hub.subscriberCount(endpointId), ownerId: user.id, endpointId: id })),
  PATCH: withBody(
    endpointPatchSchema,
    async ({ runtime: { db, writeDb, endpointQueue: queue, sandbox, hub, definitions }, user, id, body }) => {
      const countSubscribers = (endpointId: string) => hub.subscriberCount(endpointId);
      const endpoint = await updateEndpoint({
        db,
        writeDb,
        queue,
        sandbox,
        definitions,
        countSubscribers,
        ownerId: user.id,
        endpointId: id,
        patch: body,
      });
      return json(endpoint);
    },
    { bytesMax: () => SCHEMA_BODY_BYTES_MAX },
  ),
  DELETE: async ({ runtime: { db, writeDb, endpointQueue: queue, definitions, clock, webhooks }, user, id }) => {
    await deleteEndpoint({ db, writeDb, queue, definitions, clock, ownerId: user.id, endpointId: id });
    webhooks.wake();
    return noContent();
  },
});
