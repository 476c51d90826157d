/** Tests what webhooks deliver (H2, H3): signed events, in order, once, with filters and replays. */
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { OK, type Received, readMember, respondWith } from "@/tests/support/webhooks/webhook-receiver";
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

const dataOf = (received: readonly Received[]) => received.map(({ event }) => event.record?.data);

describe("events", () => {
  it("[H2] [H6] each change is one request with the message of the stream, which the receiver can verify", async () => {
    const { secret } = await world.hook();
    const id = await world.write({ t: 1, big: 2 });
    await world.write({ t: 2 }, id);
    await world.remove(id);
    const received = await world.receiver.take(3);
    expect(received.map(({ event }) => [event.type, event.endpoint, event.record.uniqueId, event.record.data])).toEqual([
      ["POST", "readings", id, { t: 1, big: 2 }],
      ["PUT", "readings", id, { t: 2 }],
      ["DELETE", "readings", id, { t: 2 }],
    ]);
    for (const { text, headers, event, id: eventId } of received) {
      expect(new Webhook(secret).verify(text, headers)).toEqual(event);
      expect(() => new Webhook(secret).verify(`${text} `, headers)).toThrow("No matching signature");
      expect(headers).toMatchObject({ "content-type": "application/json", "user-agent": "Rested-Webhooks/1" });
      expect(eventId).toBe(`${world.endpointId.replaceAll("-", "")}-${event.cursor}`);
      expect(Date.parse(event.timestamp)).toBeGreaterThan(0);
      expect(headers).not.toHaveProperty("cookie");
    }
    const log = (await world.call("GET", `endpoints/${world.endpointId}/changes`)).body;
    expect(received.at(-1)?.event.cursor).toBe(log.cursor);
  });

  it("[H2] data arrives with the digits and the order of keys that were stored", async () => {
    await world.hook();
    const raw = { contentType: "application/json", bytes: '{"b":1.10,"a":12345678901234567890,"c":"\\ud83d\\ude00"}' };
    const written = await world.ada.call("POST", `/api/manage/endpoints/${world.endpointId}/records`, { raw });
    expect(written.status, written.text).toBe(201);
    const [received] = await world.receiver.take(1);
    expect(received?.text).toContain('"data":{"b":1.10,"a":12345678901234567890,"c":"\\ud83d\\ude00"}');
  });

  it("[H2] a change that is larger than a request may be is replaced by a notice", async () => {
    await world.hook();
    const id = await world.write("x".repeat(1_048_500));
    const [received] = await world.receiver.take(1);
    expect(received?.event).toMatchObject({ type: "OMITTED", change: "POST", uniqueId: id, version: 1, endpoint: "readings" });
    expect(received?.event.size).toBeGreaterThan(1_048_576);
    expect(received?.event).not.toHaveProperty("record");
  });

  it("[H3] many changes of many records all arrive, once, and those of each record in order", async () => {
    await world.hook();
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => world.write({ n, v: 0 })));
    for (let v = 1; v <= 5; v += 1) await Promise.all(ids.map((id, n) => world.write({ n, v }, id)));
    const received = await world.receiver.take(120);
    await world.polling("the log is read", async () => (await world.call("GET", `projects/${world.projectId}/webhooks`)).body[0].lag === 0);
    expect(new Set(received.map(({ id }) => id)).size).toBe(120);
    expect(received).toHaveLength(120);
    for (const id of ids) {
      const versions = received.filter(({ event }) => event.record.uniqueId === id).map(({ event }) => readMember(event, "v"));
      expect(versions).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  it("[H1] only the listed endpoints and operations are delivered, and endpoints that are created later if all are", async () => {
    const other = (await world.call("POST", `projects/${world.projectId}/endpoints`, { name: "other" })).body.id;
    await world.hook({ endpoints: ["readings"], operations: ["DELETE"] });
    const id = await world.write(1);
    await world.call("POST", `endpoints/${other}/records`, 2);
    await world.remove(id);
    await world.receiver.take(1);
    const all = await world.hook({ operations: ["POST"] });
    const later = (await world.call("POST", `projects/${world.projectId}/endpoints`, { name: "later" })).body.id;
    await world.call("POST", `endpoints/${later}/records`, 3);
    await world.polling("the change of the new endpoint", () => world.receiver.received.length === 2);
    expect(world.receiver.received.map(({ event }) => [event.type, event.endpoint, event.record.data])).toEqual([
      ["DELETE", "readings", 1],
      ["POST", "later", 3],
    ]);
    expect(all.endpoints).toBeNull();
  });

  it("[H1] a filter selects changes by an expression on the record", async () => {
    await world.hook({ filter: 'data.room = "a" and data.n > 1' });
    for (let n = 0; n < 6; n += 1) await world.write({ room: n % 2 === 0 ? "a" : "b", n });
    expect(dataOf(await world.receiver.take(2))).toEqual([
      { room: "a", n: 2 },
      { room: "a", n: 4 },
    ]);
  });

  it("[H1] a filter that fails on a change pauses the webhook before it; with another filter nothing is lost", async () => {
    const { id } = await world.hook({ filter: "$number(data) > 0" });
    await world.write("1");
    await world.write("no number");
    await world.write("2");
    const paused = await world.polling("a paused webhook", async () => {
      const webhook = (await world.call("GET", `webhooks/${id}`)).body;
      return webhook.state === "paused" && webhook;
    });
    expect(paused).toMatchObject({ pausedReason: "filter_failed", pausedDetail: expect.stringContaining("number") });
    await world.call("PATCH", `webhooks/${id}`, { filter: null });
    await world.call("POST", `webhooks/${id}/resume`);
    expect(dataOf(await world.receiver.take(3))).toEqual(["1", "no number", "2"]);
  });
});

describe("places", () => {
  it("[H1] begins now, at a cursor, or at a time", async () => {
    await world.write(1);
    const { cursor } = (await world.call("GET", `endpoints/${world.endpointId}/changes`)).body;
    const time = (await server.runtime.db.$queryRaw<[{ now: Date }]>`SELECT clock_timestamp() AS now`)[0].now;
    await world.write(2);
    await world.hook();
    await world.write(3);
    expect(dataOf(await world.receiver.take(1))).toEqual([3]);
    await world.hook({ from: cursor });
    expect(dataOf(await world.receiver.take(3)).slice(1)).toEqual([2, 3]);
    await world.hook({ from: new Date(time.getTime() + 1).toISOString() });
    expect(dataOf(await world.receiver.take(5)).slice(3)).toEqual([2, 3]);
    await world.hook({ from: "2020-01-01T00:00:00Z" });
    expect(dataOf(await world.receiver.take(8)).slice(5)).toEqual([1, 2, 3]);
  });

  it("[H1] [H3] a replay sends the same events again with the same ids, and now skips", async () => {
    const { id } = await world.hook();
    for (const n of [1, 2, 3]) await world.write(n);
    const first = [...(await world.receiver.take(3))];
    await world.call("POST", `webhooks/${id}/replay`, { from: first[0]?.event.cursor });
    const again = await world.receiver.take(5);
    expect(again.slice(3).map((each) => [each.id, each.text])).toEqual(first.slice(1).map((each) => [each.id, each.text]));
    await world.call("POST", `webhooks/${id}/pause`);
    await world.write(4);
    await world.call("POST", `webhooks/${id}/replay`, { from: "now" });
    await world.call("POST", `webhooks/${id}/resume`);
    await world.write(5);
    expect(dataOf(await world.receiver.take(6)).at(-1)).toBe(5);
    expect(world.receiver.received).toHaveLength(6);
  });

  it("[H1] a paused webhook sends nothing, and later continues where it was", async () => {
    const { id } = await world.hook();
    await world.write(1);
    await world.receiver.take(1);
    expect((await world.call("POST", `webhooks/${id}/pause`)).body).toMatchObject({ state: "paused", pausedReason: "owner" });
    await world.write(2);
    await server.runtime.webhooks.poll();
    await server.runtime.webhooks.poll();
    expect((await world.call("GET", `webhooks/${id}`)).body).toMatchObject({ lag: 1, state: "paused" });
    expect(world.receiver.received).toHaveLength(1);
    await world.call("POST", `webhooks/${id}/resume`);
    expect(dataOf(await world.receiver.take(2))).toEqual([1, 2]);
  });
});

describe("gaps", () => {
  it("[H3] changes that have expired before they were delivered become a GAP, not silence", async () => {
    const { id } = await world.hook();
    await world.write(1);
    await world.receiver.take(1);
    await world.call("POST", `webhooks/${id}/pause`);
    for (const n of [2, 3, 4]) await world.write(n);
    await server.runtime.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${world.endpointId}::uuid AND seq <= 3`;
    await world.call("POST", `webhooks/${id}/resume`);
    const [, gap, last] = await world.receiver.take(3);
    expect(gap?.event).toMatchObject({
      type: "GAP",
      reason: "expired",
      endpoint: "readings",
      from: world.receiver.received[0]?.event.cursor,
    });
    expect(gap?.event.to).toMatch(/^[0-9a-f]{32}-3$/);
    expect(gap?.id).toMatch(/-gap$/);
    expect(last?.event.record.data).toBe(4);
  });

  it("[H3] so do all changes, if none is kept", async () => {
    const { id } = await world.hook();
    await world.call("POST", `webhooks/${id}/pause`);
    await world.write(1);
    await server.runtime.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${world.endpointId}::uuid`;
    await world.call("POST", `webhooks/${id}/resume`);
    expect((await world.receiver.take(1))[0]?.event).toMatchObject({ type: "GAP", reason: "expired" });
    await world.write(2);
    expect((await world.receiver.take(2))[1]?.event.record.data).toBe(2);
  });

  it("[H3] a log that was replaced or rewound is a GAP", async () => {
    await world.hook();
    await world.write(1);
    await world.receiver.take(1);
    await server.runtime.db.$executeRaw`UPDATE "Endpoint" SET epoch = gen_random_uuid() WHERE id = ${world.endpointId}::uuid`;
    await world.polling("a GAP", () => world.receiver.received.length === 2);
    expect(world.receiver.received[1]?.event).toMatchObject({ type: "GAP", reason: "epoch_changed" });
    await world.write(2);
    await world.receiver.take(3);
    // Another change in the place of the last one, as after a failover that lost the end of the log.
    await server.runtime.db
      .$executeRaw`UPDATE "Change" SET "recordId" = gen_random_uuid() WHERE "endpointId" = ${world.endpointId}::uuid AND seq = 2`;
    await world.write(3);
    await world.polling("another GAP", () => world.receiver.received.length >= 4);
    expect(world.receiver.received[3]?.event).toMatchObject({ type: "GAP", reason: "log_rewound" });
  });

  it("[H3] changes after a GAP do not overtake it", async () => {
    const { id } = await world.hook();
    await world.call("POST", `webhooks/${id}/pause`);
    await world.write(1);
    await world.write(2);
    await server.runtime.db.$executeRaw`DELETE FROM "Change" WHERE "endpointId" = ${world.endpointId}::uuid AND seq = 1`;
    world.receiver.respond((response, { event }) =>
      (event.type === "GAP" && world.receiver.received.length < 3 ? respondWith(500) : OK)(
        response,
        world.receiver.received[0] as Received,
      ),
    );
    await world.call("POST", `webhooks/${id}/resume`);
    await world.polling("the change after the GAP", () => world.receiver.received.some(({ event }) => event.type === "POST"));
    expect(world.receiver.received.map(({ event }) => event.type)).toEqual(["GAP", "GAP", "GAP", "POST"]);
    expect(new Set(world.receiver.received.slice(0, 3).map((each) => each.id)).size).toBe(1);
  });
});
