/** `/api/manage/account/password`: sets a new password and ends the other sessions. */
import { manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { changePassword } from "@/src/management/accounts/change-password";
import { passwordChangeSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(passwordChangeSchema, async ({ runtime: { db, clock, signIns, passwords, loginLimiter }, client, signIn, body }) => {
    await changePassword({
      db,
      clock,
      signIns,
      passwords,
      limiter: loginLimiter,
      signIn,
      address: client.address,
      input: body,
    });
    return noContent();
  }),
});
