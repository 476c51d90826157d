/** `/api/manage/start`: creates a project, its endpoint and its key from one name, or from a template. */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { startProject } from "@/src/management/projects/start-project";
import { startSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(startSchema, async ({ runtime: { db, clock, config }, user, body }) =>
    json(await startProject({ db, clock, quotas: config.quotas, ownerId: user.id, input: body }), 201),
  ),
});
