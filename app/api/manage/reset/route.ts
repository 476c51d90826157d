/** `/api/manage/reset`: sets a new password with the token of an e-mail (G26). */
import { noContent, publicRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { resetPassword } from "@/src/management/accounts/reset-password";
import { passwordResetSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute({
  POST: withLimit(
    "sign_in",
    withBody(passwordResetSchema, async ({ runtime: { db, clock, passwords, signIns, loginLimiter: limiter }, client, body: input }) => {
      await resetPassword({ db, clock, passwords, signIns, limiter, address: client.address, input });
      return noContent();
    }),
  ),
});
