/** `/api/manage/webhooks/{id}` (H1). */
import { json, manageRoute, noContent, withBody } from "@/app/lib/manage/manage-route";
import { deleteWebhook, updateWebhook } from "@/src/management/webhooks/change-webhook";
import { readWebhook } from "@/src/management/webhooks/own-webhook";
import { webhookPatchSchema } from "@/src/shared/management/webhooks";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, access, id }) => json(await readWebhook({ db, ownerId: user.id, webhookId: id, access })),
  PATCH: withBody(webhookPatchSchema, async ({ runtime, user, id, body }) => {
    const { db, changes, clock, sandbox, findUrlProblem, webhooks } = runtime;
    const checks = { sandbox, findUrlProblem };
    const changed = await updateWebhook({ db, changes, clock, checks, ownerId: user.id, webhookId: id, input: body });
    webhooks.wake();
    return json(changed);
  }),
  DELETE: async ({ runtime: { db }, user, id }) => {
    await deleteWebhook({ db, ownerId: user.id, webhookId: id });
    return noContent();
  },
});
