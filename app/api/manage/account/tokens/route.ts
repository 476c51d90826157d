/** `/api/manage/account/tokens`: management tokens (G1). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createToken, listTokens } from "@/src/management/accounts/tokens";
import { tokenCreateSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user }) => json(await listTokens({ db, userId: user.id })),
  POST: withBody(tokenCreateSchema, async ({ runtime: { db, clock }, user, access, body }) =>
    json(await createToken({ db, clock, userId: user.id, endsBy: access?.expiresAt ?? null, input: body }), 201),
  ),
});
