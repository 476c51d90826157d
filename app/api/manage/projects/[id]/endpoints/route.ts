/** `/api/manage/projects/{id}/endpoints` (G4). */
import { json, manageRoute, SCHEMA_BODY_BYTES_MAX, withBody } from "@/app/lib/manage/manage-route";
import { createEndpoint } from "@/src/management/endpoints/create-endpoint";
import { listEndpoints } from "@/src/management/endpoints/endpoints";
import { endpointCreateSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, hub }, user, id }) =>
    json(await listEndpoints({ db, countSubscribers: (endpointId) => hub.subscriberCount(endpointId), ownerId: user.id, projectId: id })),
  POST: withBody(
    endpointCreateSchema,
    async ({ runtime: { db, sandbox, config }, user, id, body }) =>
      json(await createEndpoint({ db, sandbox, quota: config.quotas.endpoints, ownerId: user.id, projectId: id, input: body }), 201),
    { bytesMax: () => SCHEMA_BODY_BYTES_MAX },
  ),
});
