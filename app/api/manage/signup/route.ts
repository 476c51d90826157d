/** `/api/manage/signup`: creates an account, on servers where anyone can sign up (RESTED_SIGNUP). */
import { json, publicRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { signUp } from "@/src/management/setup/first-admin";
import { signupSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute({
  POST: withLimit(
    "sign_in",
    withBody(signupSchema, async ({ runtime: { db, config, passwords, loginLimiter }, client, body }) =>
      json(await signUp({ db, passwords, limiter: loginLimiter, signup: config.signup, address: client.address, input: body }), 201),
    ),
  ),
});
