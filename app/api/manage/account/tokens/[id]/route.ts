/** `/api/manage/account/tokens/{id}`: revokes a management token (G1). */
import { manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { revokeToken } from "@/src/management/accounts/tokens";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  DELETE: async ({ runtime: { db, clock, signIns }, user, id }) => {
    await revokeToken({ db, clock, signIns, userId: user.id, tokenId: id });
    return noContent();
  },
});
