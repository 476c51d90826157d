/** `/api/manage/webhooks/{id}/deliveries` (H5). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { listWebhookDeliveries, parseDeliveriesQuery } from "@/src/management/webhooks/deliveries";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, id, url }) =>
    json(await listWebhookDeliveries({ db, ownerId: user.id, webhookId: id, ...parseDeliveriesQuery(url.searchParams) })),
});
