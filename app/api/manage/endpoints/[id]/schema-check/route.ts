/** `/api/manage/endpoints/{id}/schema-check`: tests a body against a JSON Schema (R10). */
import { json, manageRoute, SCHEMA_BODY_BYTES_MAX, withBody } from "@/app/lib/manage/manage-route";
import { checkSchema } from "@/src/management/endpoints/schema";
import { schemaCheckSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(
    schemaCheckSchema,
    async ({ runtime: { db, sandbox }, user, id, body }) =>
      json(await checkSchema({ db, sandbox, ownerId: user.id, endpointId: id, input: body })),
    { bytesMax: ({ config }) => SCHEMA_BODY_BYTES_MAX + config.bodyBytesMax },
  ),
});
