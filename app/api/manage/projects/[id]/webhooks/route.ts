/** `/api/manage/projects/{id}/webhooks` (H1). */
import { json, manageRoute, withBody } from "@/app/lib/manage/manage-route";
import { createWebhook } from "@/src/management/webhooks/create-webhook";
import { listWebhooks } from "@/src/management/webhooks/own-webhook";
import { webhookCreateSchema } from "@/src/shared/management/webhooks";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  GET: async ({ runtime: { db }, user, access, id }) => json(await listWebhooks({ db, ownerId: user.id, projectId: id, access })),
  POST: withBody(webhookCreateSchema, async ({ runtime, user, id, body }) => {
    const { db, changes, clock, secrets, sandbox, findUrlProblem, webhooks } = runtime;
    const checks = { sandbox, findUrlProblem };
    const accounts = { ownerId: user.id, creatorId: user.id };
    const created = await createWebhook({ db, changes, clock, secrets, checks, ...accounts, projectId: id, input: body });
    webhooks.wake();
    return json(created, 201);
  }),
});
