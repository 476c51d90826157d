/** `/api/manage/projects/{id}/openapi.json`: the OpenAPI document of a project's endpoints (G5). */
import { withAnyOriginCors } from "@/app/lib/manage/any-origin-cors";
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { describeProject } from "@/src/management/projects/projects";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = withAnyOriginCors(
  manageRoute({
    GET: async ({ runtime: { db, clock }, user, id, client }) =>
      json(await describeProject({ db, clock, ownerId: user.id, projectId: id, origin: client.origin })),
  }),
);
