/** `/api/manage/projects/{id}/quotas` (G22): for administrators. */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { setQuotas } from "@/src/management/quotas";
import { quotasPatchSchema } from "@/src/shared/management/quotas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  PATCH: withBody(quotasPatchSchema, async ({ runtime: { db, quotas }, user, id, body }) =>
    json(await setQuotas({ db, quotas, user, projectId: id, patch: body })),
  ),
});
