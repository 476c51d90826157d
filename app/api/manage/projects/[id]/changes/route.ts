/** `/api/manage/projects/{id}/changes`: the changes of all endpoints of a project, newest first, and searches in them (G46). */
import { jsonText, manageRoute } from "@/app/lib/manage/manage-route";
import { readProjectChanges } from "@/src/management/changes/project/project-changes";
import { parseProjectChangesQuery } from "@/src/management/changes/project/project-query";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db, changes, recordSearch: search }, request, user, id: projectId, url }) =>
    jsonText(
      await readProjectChanges({
        db,
        changes,
        search,
        ownerId: user.id,
        projectId,
        ...parseProjectChangesQuery(url.searchParams),
        signal: request.signal,
      }),
    ),
});
