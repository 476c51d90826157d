/** `/api/manage/endpoints/{id}/changes`: the log, newest first. */
import { jsonText, manageRoute } from "@/app/lib/manage/manage-route";
import { listChanges } from "@/src/management/changes/list-changes";
import { parseChangesQuery } from "@/src/management/changes/parse-changes-query";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, changes }, user, id, url }) =>
    jsonText(await listChanges({ db, changes, ownerId: user.id, endpointId: id, ...parseChangesQuery(url.searchParams) })),
});
