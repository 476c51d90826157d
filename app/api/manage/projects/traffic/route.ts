/** `/api/manage/projects/traffic`: the last hour of every project (G31). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { readProjectRates } from "@/src/management/traffic/read-traffic";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, access }) =>
    json(await readProjectRates({ db, ownerId: user.id, projectIds: access?.projectIds ?? null, now: clock.now() })),
});
