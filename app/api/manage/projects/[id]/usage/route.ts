/** `/api/manage/projects/{id}/usage` (G22). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { getUsage } from "@/src/management/quotas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, quotas }, user, id }) => json(await getUsage({ db, quotas, user, projectId: id })),
});
