/** `/api/manage/webhooks/{id}/test` (H8): sends a test event and returns how the receiver responded. */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { testWebhook } from "@/src/management/webhooks/test-webhook";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, webhooks, email, clock }, request, user, id }) =>
    json(await testWebhook({ db, webhooks, limiter: email.limiter, clock, ownerId: user.id, webhookId: id, signal: request.signal })),
});
