/** `/api/manage/endpoints/{id}/changes`: the log of changes, newest first. */
import { jsonText, manageRoute } from "@/app/lib/manage/manage-route";
import { listChanges, parseChangesQuery } from "@/src/management/changes/list-changes";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, changes }, user, id, url }) =>
    jsonText(await listChanges({ db, changes, ownerId: user.id, endpointId: id, ...parseChangesQuery(url.searchParams) })),
});
