/** Tests that receivers that do not respond delay no webhook of another account (H7). Requests may take a minute, so a webhook that waits for them fails the test. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { createWorldOn, WEBHOOK_CONFIG, type WebhookWorld } from "@/tests/support/webhooks/webhook-world";

let server: ManageServer;
let busy: WebhookWorld;
let other: WebhookWorld;

beforeAll(async () => {
  server = await startManageServer({
    ...WEBHOOK_CONFIG,
    webhooks: { allowsHttp: true, timeoutMs: 60_000, retryFirstMs: 50, leaseMs: 120_000, slowMs: 300 },
  });
  busy = await createWorldOn(server);
  other = await createWorldOn(server);
});
afterAll(async () => {
  await busy.close();
  await other.close();
  await server.stop();
});

it("[H7] an account whose receivers hang has few requests in progress, and other accounts are served", async () => {
  busy.receiver.respond(() => undefined);
  for (let n = 0; n < 6; n += 1) await busy.hook();
  await Promise.all(Array.from({ length: 40 }, (_, n) => busy.write(n)));
  await busy.polling("its requests", () => busy.receiver.received.length > 0);
  await other.hook();
  await other.write("of another account");
  expect((await other.receiver.take(1))[0]?.event.record.data).toBe("of another account");
  await server.runtime.webhooks.poll();
  // At most sixteen before they are slow, and four of the accounts that are. The unit tests of the lanes have exact numbers.
  await busy.polling("a slow request and another one", () => busy.receiver.received.length >= 5);
  await server.runtime.webhooks.poll();
  expect(busy.receiver.received.length).toBeLessThanOrEqual(20);
});

it("[H7] four accounts whose receivers hang hold all places only until their requests are slow", async () => {
  const hanging = await Promise.all(Array.from({ length: 4 }, () => createWorldOn(server)));
  const last = await createWorldOn(server);
  try {
    for (const world of hanging) {
      world.receiver.respond(() => undefined);
      await world.hook();
      await world.hook();
      await Promise.all(Array.from({ length: 20 }, (_, n) => world.write(n)));
    }
    await last.hook();
    await last.write("of the last account");
    for (const world of hanging) await world.polling("its requests", () => world.receiver.received.length > 0);
    expect((await last.receiver.take(1))[0]?.event.record.data).toBe("of the last account");
  } finally {
    for (const world of [...hanging, last]) await world.close();
  }
});
