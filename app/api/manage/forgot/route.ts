/** `/api/manage/forgot`: sends an account's owner an e-mail with which to set a new password (G26). */
import { json, publicRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { requestPasswordReset } from "@/src/management/accounts/reset-password";
import { forgotSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute({
  POST: withLimit(
    "sign_in",
    withBody(forgotSchema, async ({ runtime: { emailQueue }, client, body: { email } }) => {
      await requestPasswordReset({ emailQueue, email, address: client.address });
      return json({}, 202);
    }),
  ),
});
