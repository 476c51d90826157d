/** `/api/manage/account/tokens/{id}`: revokes one (G1). */
import { manageRoute, noContent } from "@/app/lib/manage-route";
import { revokeToken } from "@/src/control/revoke-token";

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, clock }, user, id }) => {
    await revokeToken({ db, clock, userId: user.id, tokenId: id });
    return noContent();
  },
});
