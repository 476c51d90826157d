/** `/api/manage/projects/{id}/traffic`: numbers over time (G31). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { parseTrafficQuery, readTraffic } from "@/src/management/traffic/read-traffic";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, clock }, user, id, url }) =>
    json(await readTraffic({ db, ownerId: user.id, projectId: id, now: clock.now(), ...parseTrafficQuery(url.searchParams) })),
});
