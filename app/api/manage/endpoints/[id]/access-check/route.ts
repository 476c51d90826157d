/** `/api/manage/endpoints/{id}/access-check`: whether a user may do something with a record, and why (A6). */
import { json, manageRoute, SCHEMA_BODY_BYTES_MAX, withBody } from "@/app/lib/manage/manage-route";
import { checkAccess } from "@/src/management/access/check-access";
import { accessCheckSchema } from "@/src/shared/management/access";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(
    accessCheckSchema,
    async ({ runtime: { db, sandbox, functionVerdicts: verdicts, clock }, user, id, body, bodyText }) =>
      json(await checkAccess({ db, sandbox, verdicts, clock, ownerId: user.id, endpointId: id, input: body, text: bodyText })),
    { bytesMax: ({ config }) => SCHEMA_BODY_BYTES_MAX + config.bodyBytesMax },
  ),
});
