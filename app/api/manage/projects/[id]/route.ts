/** `/api/manage/projects/{id}` (G2). */
import { json, manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { deleteProject, getProject, updateProject } from "@/src/management/projects/projects";
import { projectPatchSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id }) => json(await getProject({ db, clock, ownerId: user.id, projectId: id })),
  PATCH: withBody(projectPatchSchema, async ({ runtime: { db, clock, definitions }, user, id, body }) =>
    json(await updateProject({ db, clock, definitions, ownerId: user.id, projectId: id, patch: body })),
  ),
  DELETE: async ({ runtime: { writeDb, endpointQueue: queue, definitions }, user, id }) => {
    await deleteProject({ writeDb, queue, definitions, ownerId: user.id, projectId: id });
    return noContent();
  },
});
