/** `/api/manage/connections/{id}`: closes an open stream (G16). */
import { manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { endConnection } from "@/src/management/connections/connections";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, hub }, user, id }) => {
    await endConnection({ db, endHere: (streamId, error) => hub.end(streamId, error), ownerId: user.id, connectionId: id });
    return noContent();
  },
});
