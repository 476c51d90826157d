/** `/api/manage/webhooks/{id}/rotate-secret` (H6). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { rotateSecret } from "@/src/management/webhooks/create-webhook";
import { webhookRotateSchema } from "@/src/shared/management/webhooks";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(webhookRotateSchema, async ({ runtime: { db, clock, secrets }, user, id, body }) =>
    json(await rotateSecret({ db, clock, secrets, ownerId: user.id, webhookId: id, graceSeconds: body.graceSeconds }), 201),
  ),
});
