/** `/api/manage/account`: the signed-in account. */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { updateAccount } from "@/src/management/accounts/account";
import { accountPatchSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ user }) => json(user),
  PATCH: withBody(accountPatchSchema, async ({ runtime: { db }, user, body }) =>
    json(await updateAccount({ db, userId: user.id, patch: body })),
  ),
});
