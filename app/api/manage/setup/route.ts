/** `/api/manage/setup`: creates the first administrator with the token of the setup link. */
import { json, publicRoute, withBody, withLimit } from "@/app/lib/manage/manage-route";
import { setUp } from "@/src/management/setup/first-admin";
import { setupSchema } from "@/src/shared/management/schemas";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = publicRoute({
  POST: withLimit(
    "sign_in",
    withBody(setupSchema, async ({ runtime: { db, passwords, secret }, client, body }) =>
      json(await setUp({ db, passwords, secret, address: client.address, input: body }), 201),
    ),
  ),
});
