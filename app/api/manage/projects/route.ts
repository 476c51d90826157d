/** `/api/manage/projects` (G2). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createProject } from "@/src/management/projects/create-project";
import { listProjects } from "@/src/management/projects/projects";
import { projectCreateSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, access }) =>
    json(await listProjects({ db, clock, ownerId: user.id, only: access?.projectIds ?? null })),
  POST: withBody(projectCreateSchema, async ({ runtime: { db, clock, config }, user, body }) =>
    json(await createProject({ db, clock, quota: config.quotas.projects, ownerId: user.id, input: body }), 201),
  ),
});
