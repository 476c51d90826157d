/** `/api/manage/endpoints/{id}/changes`: the log of changes, newest first, and searches in it (G27). */
import { jsonText, manageRoute } from "@/app/lib/manage/manage-route";
import { parseChangesQuery } from "@/src/management/changes/changes-query";
import { findSeqBefore, listChanges } from "@/src/management/changes/list-changes";
import { searchChanges } from "@/src/management/changes/search-changes";
import { requireOwnEndpoint } from "@/src/management/ownership";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, changes, recordSearch: search }, request, user, id: endpointId, url }) => {
    const { expression, time, ...query } = parseChangesQuery(url.searchParams);
    const ownerId = user.id;
    if (expression !== null)
      return jsonText(await searchChanges({ db, changes, search, ownerId, endpointId, expression, ...query, signal: request.signal }));
    if (time === null) return jsonText(await listChanges({ db, changes, ownerId, endpointId, ...query }));
    await requireOwnEndpoint({ db, ownerId, endpointId });
    const after = await findSeqBefore(db, endpointId, time);
    return jsonText(await listChanges({ db, changes, ownerId, endpointId, ...query, after }));
  },
});
