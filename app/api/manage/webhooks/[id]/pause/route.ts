/** `/api/manage/webhooks/{id}/pause` (H1). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { pauseWebhook } from "@/src/management/webhooks/change-webhook";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db }, user, id }) => json(await pauseWebhook({ db, ownerId: user.id, webhookId: id })),
});
