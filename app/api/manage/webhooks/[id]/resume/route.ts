/** `/api/manage/webhooks/{id}/resume` (H1). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { resumeWebhook } from "@/src/management/webhooks/change-webhook";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, webhooks }, user, id }) => {
    const resumed = await resumeWebhook({ db, ownerId: user.id, webhookId: id });
    webhooks.wake();
    return json(resumed);
  },
});
