/** Tests deliveries that fail (H4): retries, the order of each record, and receivers that ask for a pause or are gone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { OK, type Received, readMember, respondWith, startReceiver } from "@/tests/support/webhooks/webhook-receiver";
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

const deliveries = async (id: string, query = "") => (await world.call("GET", `webhooks/${id}/deliveries?${query}`)).body.deliveries;
const readHook = async (id: string) => (await world.call("GET", `webhooks/${id}`)).body;
const dataOf = (received: readonly Received[]) => received.map(({ event }) => event.record?.data);
/** Makes the next tries of all deliveries due. */
const skipBackoff = () =>
  server.runtime.db.$executeRaw`UPDATE "WebhookDelivery" SET "nextAt" = clock_timestamp() WHERE "nextAt" IS NOT NULL`;

describe("failures", () => {
  it.each([
    ["a status of 500", respondWith(500), "The receiver responded with 500.", 500],
    [
      "a redirect",
      respondWith(302, { location: "http://127.0.0.1:1/" }),
      "The receiver responded with 302. Redirects are not followed.",
      302,
    ],
    [
      "a cut connection",
      (response) => void response.destroy(),
      "The receiver closed the connection without a response. Its log may say why. (ECONNRESET)",
      null,
    ],
    ["no response", () => undefined, "The receiver did not respond within 1 s. Let it respond before it does long work.", null],
    [
      "a body that does not end",
      (response) => {
        response.writeHead(200);
        response.write("x");
      },
      "The receiver responded with 200, but the response was not complete within 1 s. Let it respond before it does long work.",
      null,
    ],
  ] as [string, Parameters<WebhookWorld["receiver"]["respond"]>[0], string, number | null][])(
    "[H4] after %s, the same event is sent again, and the log says what happened",
    async (_, respond, error, status) => {
      const { id } = await world.hook();
      world.receiver.respond(respond);
      await world.write(1);
      const [failed] = await world.polling("a failed try", async () => {
        const found = await deliveries(id, "state=retrying");
        return found.length > 0 && found;
      });
      expect(failed).toMatchObject({
        error,
        status,
        state: "retrying",
        nextAt: expect.any(String),
        type: "POST",
        endpoint: "readings",
        seq: 1,
      });
      if (status !== null) expect(failed.excerpt).toBe("because of the test");
      world.receiver.respond(OK);
      await world.polling("a delivery", async () => (await deliveries(id, "state=delivered")).length === 1);
      expect(new Set(world.receiver.received.map((each) => each.id + each.text)).size).toBe(1);
      expect(new Set(world.receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
      const [delivered] = await deliveries(id);
      expect(delivered).toMatchObject({ state: "delivered", status: 204, error: null, excerpt: null, nextAt: null });
      expect(delivered.attempts).toBe(world.receiver.received.length);
      expect(await readHook(id)).toMatchObject({ parked: 0, lag: 0, lastStatus: 204, lastError: null });
    },
  );

  it("[H4] a receiver that is not there is tried again, and what it missed arrives in order", async () => {
    const { id } = await world.hook();
    await world.receiver.close();
    const record = await world.write({ v: 1 });
    await world.polling("a failed try", async () => (await deliveries(id, "state=retrying")).length === 1);
    await world.write({ v: 2 }, record);
    await world.write({ v: 3 }, record);
    await world.polling("waiting deliveries", async () => (await deliveries(id, "state=waiting")).length === 2);
    const revived = await startReceiver({ port: world.receiver.port });
    await world.polling("all deliveries", async () => (await deliveries(id, "state=delivered")).length === 3);
    expect(dataOf(revived.received)).toEqual([{ v: 1 }, { v: 2 }, { v: 3 }]);
    await revived.close();
  });

  it("[H3] [H4] a later change never overtakes an earlier one of the same record, and other records do not wait", async () => {
    const { id } = await world.hook();
    const poisoned = await world.write({ name: "poisoned", v: 1 });
    await world.receiver.take(1);
    let isPoisoned = true;
    world.receiver.respond((response, received) =>
      (isPoisoned && received.event.record.uniqueId === poisoned ? respondWith(500) : OK)(response, received),
    );
    await world.write({ name: "poisoned", v: 2 }, poisoned);
    await world.polling("a failed try", async () => (await deliveries(id, "state=retrying")).length === 1);
    await world.write({ name: "poisoned", v: 3 }, poisoned);
    for (let n = 0; n < 5; n += 1) await world.write({ name: "other", n });
    await world.polling("the other records", async () => (await deliveries(id, "state=delivered")).length === 6);
    expect((await deliveries(id, "state=waiting")).map(({ uniqueId, attempts }: never) => [uniqueId, attempts])).toEqual([[poisoned, 0]]);
    isPoisoned = false;
    await world.polling("everything", async () => (await readHook(id)).parked === 0);
    const versions = world.receiver.received
      .filter(({ event }) => event.record.uniqueId === poisoned)
      .map(({ event }) => readMember(event, "v"));
    expect(versions.at(0)).toBe(1);
    expect(versions.at(-1)).toBe(3);
    expect(versions.slice(1, -1).every((v) => v === 2)).toBe(true);
  });

  it("[H4] with too many parked deliveries the webhook waits, and goes on when the receiver does", async () => {
    const { id } = await world.hook();
    world.receiver.respond(respondWith(500));
    const raw = { contentType: "application/json", bytes: JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ n }))) };
    expect((await world.ada.call("POST", `/api/manage/endpoints/${world.endpointId}/import`, { raw })).status).toBe(201);
    const blocked = await world.polling("a blocked webhook", async () => {
      const hook = await readHook(id);
      return hook.blocked && hook;
    });
    expect(blocked.parked).toBeGreaterThanOrEqual(100);
    expect(blocked.parked).toBeLessThan(120);
    expect(blocked.lag + blocked.parked).toBe(200);
    world.receiver.respond(OK);
    await skipBackoff();
    await world.polling("everything", async () => {
      const { parked, lag } = await readHook(id);
      return parked === 0 && lag === 0;
    });
    const delivered = new Set(world.receiver.received.map(({ event }) => readMember(event, "n")));
    expect(delivered.size).toBe(200);
  });

  it("[H4] after a success, deliveries that were not tried for a minute are tried at once", async () => {
    const { id } = await world.hook();
    world.receiver.respond(respondWith(500));
    await world.write("old");
    await world.polling("a failed try", async () => (await deliveries(id, "state=retrying")).length === 1);
    await server.runtime.db.$executeRaw`
      UPDATE "WebhookDelivery" SET "nextAt" = now() + interval '1 hour', "lastAt" = now() - interval '2 minutes' WHERE "webhookId" = ${id}::uuid`;
    world.receiver.respond(OK);
    await world.write("new");
    await world.polling("both", async () => (await deliveries(id, "state=delivered")).length === 2);
    expect(dataOf(world.receiver.received).slice(-2)).toEqual(["new", "old"]);
  });

  it("[H4] after 24 hours a delivery is given up, and the next change of its record follows", async () => {
    const { id } = await world.hook();
    world.receiver.respond(respondWith(503));
    const record = await world.write({ v: 1 });
    await world.polling("a failed try", async () => (await deliveries(id, "state=retrying")).length === 1);
    await world.write({ v: 2 }, record);
    await world.polling("a waiting delivery", async () => (await deliveries(id, "state=waiting")).length === 1);
    await server.runtime.db
      .$executeRaw`UPDATE "WebhookDelivery" SET "firstAt" = "firstAt" - interval '1 day', "nextAt" = now() WHERE state = 'retrying'`;
    await world.polling("a failed delivery", async () => (await deliveries(id, "state=failed")).length === 1);
    world.receiver.respond(OK);
    await skipBackoff();
    await world.polling("the next one", async () => (await deliveries(id, "state=delivered")).length === 1);
    const [failed] = await deliveries(id, "state=failed");
    expect(failed).toMatchObject({ nextAt: null, status: 503 });
    expect((await world.call("POST", `webhooks/${id}/deliveries/${failed.id}/resend`)).body).toMatchObject({
      state: "retrying",
      attempts: 0,
    });
    await world.polling("the resent one", async () => (await deliveries(id, "state=delivered")).length === 2);
    expect(world.receiver.received.at(-1)?.event.record.data).toEqual({ v: 1 });
  });
});

describe("requests of the receiver", () => {
  it("[H4] 410 pauses the webhook; resumed, it delivers what was refused", async () => {
    const { id } = await world.hook();
    world.receiver.respond(respondWith(410));
    await world.write(1);
    await world.write(2);
    const paused = await world.polling("a paused webhook", async () => {
      const hook = await readHook(id);
      return hook.state === "paused" && hook;
    });
    expect(paused).toMatchObject({ pausedReason: "gone", lastStatus: 410 });
    const count = world.receiver.received.length;
    await server.runtime.webhooks.poll();
    expect(world.receiver.received).toHaveLength(count);
    world.receiver.respond(OK);
    await world.call("POST", `webhooks/${id}/resume`);
    await world.polling("everything", async () => (await deliveries(id, "state=delivered")).length === 2);
  });

  it("[H4] 429 with Retry-After holds all deliveries for that time, at most an hour", async () => {
    const { id } = await world.hook();
    world.receiver.respond(respondWith(429, { "retry-after": "86400" }));
    await world.write(1);
    const [held] = await world.polling("a held delivery", async () => {
      const found = await deliveries(id, "state=retrying");
      return found.length > 0 && found;
    });
    const waitMs = Date.parse(held.nextAt) - Date.parse(held.lastAt);
    expect(waitMs).toBeGreaterThan(3_500_000);
    expect(waitMs).toBeLessThan(4_400_000);
    world.receiver.respond(OK);
    await world.write(2);
    await server.runtime.webhooks.poll();
    await server.runtime.webhooks.poll();
    expect(world.receiver.received).toHaveLength(1);
    await world.call("PATCH", `webhooks/${id}`, { url: `${world.receiver.url}&other` });
    await world.polling("everything", async () => (await deliveries(id, "state=delivered")).length === 2);
  });

  it("[H5] a delivered event can be sent again, until its change has expired", async () => {
    const { id } = await world.hook();
    await world.write({ a: 1 });
    await world.receiver.take(1);
    const [delivered] = await world.polling("a stored delivery", async () => {
      const found = await deliveries(id, "state=delivered");
      return found.length > 0 && found;
    });
    const resend = () => world.call("POST", `webhooks/${id}/deliveries/${delivered.id}/resend`);
    expect((await resend()).status).toBe(200);
    const [first, second] = await world.receiver.take(2);
    expect([second?.id, second?.text]).toEqual([first?.id, first?.text]);
    await world.polling("a stored delivery", async () => (await deliveries(id, "state=delivered")).length === 1);
    await server.runtime.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${world.endpointId}::uuid`;
    expect(await resend()).toMatchObject({ status: 409, body: { code: "delivery_expired" } });
  });

  it("[H5] finished deliveries are deleted after seven days, and those of deleted endpoints with them", async () => {
    const { id } = await world.hook();
    await world.write(1);
    await world.write(2);
    await world.polling("stored deliveries", async () => (await deliveries(id, "state=delivered")).length === 2);
    await server.runtime.db
      .$executeRaw`UPDATE "WebhookDelivery" SET "lastAt" = now() - interval '8 days' WHERE seq = 1 AND "webhookId" = ${id}::uuid`;
    await server.runtime.webhooks.sweep();
    expect(await deliveries(id)).toHaveLength(1);
    await world.call("DELETE", `endpoints/${world.endpointId}`);
    expect(await deliveries(id)).toHaveLength(0);
    await server.runtime.webhooks.sweep();
    expect(await server.runtime.db.webhookDelivery.count({ where: { webhookId: id } })).toBe(0);
    expect(await server.runtime.db.webhookPosition.count({ where: { webhookId: id } })).toBe(0);
  });
});
