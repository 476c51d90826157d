/** `/api/manage/webhooks/{id}/replay` (H1). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { replayWebhook } from "@/src/management/webhooks/change-webhook";
import { webhookReplaySchema } from "@/src/shared/management/webhooks";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: withBody(webhookReplaySchema, async ({ runtime: { db, changes, clock, webhooks }, user, id, body }) => {
    const replayed = await replayWebhook({ db, changes, clock, ownerId: user.id, webhookId: id, from: body.from });
    webhooks.wake();
    return json(replayed);
  }),
});
