/** `/api/manage/endpoints/{id}/access-versions`: earlier access rules, and the way back to them (A5). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { listAccessVersions } from "@/src/management/access/list-versions";
import { restoreAccessVersion } from "@/src/management/endpoints/restore-access-version";
import { accessRestoreSchema } from "@/src/shared/management/access";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id }) => json(await listAccessVersions({ db, ownerId: user.id, endpointId: id })),
  POST: withBody(accessRestoreSchema, async ({ runtime, user, id, body: { number } }) => {
    const { db, writeDb, endpointQueue: queue, sandbox, hub, definitions } = runtime;
    const countSubscribers = (endpointId: string) => hub.subscriberCount(endpointId);
    const options = { db, writeDb, queue, sandbox, definitions, countSubscribers, ownerId: user.id, endpointId: id };
    return json(await restoreAccessVersion({ ...options, number }));
  }),
});
