/** Tests test events (H8). */
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { respondWith } from "@/tests/support/webhooks/webhook-receiver";
import { createWorldOn, WEBHOOK_CONFIG, type WebhookWorld } from "@/tests/support/webhooks/webhook-world";

let server: ManageServer;
let world: WebhookWorld;

beforeAll(async () => {
  server = await startManageServer(WEBHOOK_CONFIG);
});
afterAll(() => server.stop());
beforeEach(async () => {
  world = await createWorldOn(server);
});
afterEach(() => world.close());

const test = (id: string) => world.call("POST", `webhooks/${id}/test`);

it("[H8] is signed like any other event, is no delivery, and is sent while the webhook is paused", async () => {
  const { id, secret } = await world.hook();
  await world.call("POST", `webhooks/${id}/pause`);
  const answer = await test(id);
  expect([answer.status, answer.body]).toEqual([
    200,
    { delivered: true, status: 204, error: null, excerpt: null, durationMs: expect.any(Number) },
  ]);
  const [received] = world.receiver.received;
  expect(received?.id).toMatch(/^test-[0-9a-f-]{36}$/);
  expect(new Webhook(secret).verify(received?.text ?? "", received?.headers ?? {})).toEqual({
    type: "TEST",
    timestamp: expect.any(String),
    webhook: id,
  });
  expect((await world.call("GET", `webhooks/${id}/deliveries`)).body.deliveries).toEqual([]);
  expect((await world.call("GET", `webhooks/${id}`)).body).toMatchObject({ state: "paused", lastTriedAt: null });
});

it("[H8] says why the receiver did not confirm it, and does not repeat it", async () => {
  const { id } = await world.hook();
  world.receiver.respond(respondWith(503));
  expect((await test(id)).body).toMatchObject({
    ...{ delivered: false, status: 503, error: "The receiver responded with 503.", excerpt: "because of the test" },
  });
  world.receiver.respond(() => undefined);
  expect((await test(id)).body).toMatchObject({
    delivered: false,
    status: null,
    error: "The receiver did not respond within 1 s. Let it respond before it does long work.",
  });
  await server.runtime.db.webhook.update({ where: { id }, data: { url: "https://10.0.0.1/" } });
  expect((await test(id)).body).toMatchObject({ delivered: false, error: expect.stringContaining("RESTED_OUTBOUND_ALLOWED") });
  await server.runtime.db.webhook.update({ where: { id }, data: { secret: Buffer.from("sealed by another secret") } });
  expect((await test(id)).body).toMatchObject({ delivered: false, error: expect.stringContaining("Rotate the webhook's secret") });
  expect(world.receiver.received).toHaveLength(2);
});

it("[H8] is limited for each account, and belongs to the owner", async () => {
  const { id } = await world.hook();
  const eve = await server.createPerson(`Eve${Date.now()}`);
  expect((await eve.call("POST", `/api/manage/webhooks/${id}/test`)).status).toBe(404);
  const answers = [];
  for (let n = 0; n < 7; n += 1) answers.push(await test(id));
  expect(answers.map(({ status }) => status)).toEqual([...Array(6).fill(200), 429]);
  expect(world.receiver.received).toHaveLength(6);
});
