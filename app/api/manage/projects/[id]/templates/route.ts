/** `/api/manage/projects/{id}/templates`: creates the endpoints of a template (G45). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { addTemplate } from "@/src/management/projects/use-template";
import { templateUseSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(templateUseSchema, async ({ runtime: { db, config }, user, id, body }) =>
    json(await addTemplate({ db, quota: config.quotas.endpoints, ownerId: user.id, projectId: id, input: body }), 201),
  ),
});
