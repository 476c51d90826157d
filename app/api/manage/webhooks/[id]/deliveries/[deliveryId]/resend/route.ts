/** `/api/manage/webhooks/{id}/deliveries/{deliveryId}/resend` (H5). */
import { json, manageRoute } from "@/app/lib/manage/manage-route";
import { resendDelivery } from "@/src/management/webhooks/deliveries";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, changes, webhooks }, user, id, params: { deliveryId = "" } }) => {
    const delivery = await resendDelivery({ db, changes, ownerId: user.id, webhookId: id, deliveryId });
    webhooks.wake();
    return json(delivery);
  },
});
