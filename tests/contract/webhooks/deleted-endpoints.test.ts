/** Tests what receivers learn of endpoints that are deleted before their changes are delivered (H1, H3). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { OK, respondWith } from "@/tests/support/webhooks/webhook-receiver";
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
const remove = () => world.call("DELETE", `endpoints/${world.endpointId}`);
const gaps = () => world.receiver.received.filter(({ event }) => event.type === "GAP");
const toSeq = (cursor: string | undefined) => Number(cursor?.split("-")[1]);

it("[H1] [H3] changes that were not read are announced as a GAP, which is listed and kept", async () => {
  const { id } = await world.hook();
  await world.write(1);
  await world.receiver.take(1);
  await world.polling("a delivery", async () => (await deliveries(id, "state=delivered")).length === 1);
  await world.call("POST", `webhooks/${id}/pause`);
  await world.write(2);
  await world.write(3);
  expect((await remove()).status).toBe(204);
  await server.runtime.webhooks.sweep();
  await world.call("POST", `webhooks/${id}/resume`);
  await world.polling("the gap", () => gaps().length > 0);
  const [gap] = gaps();
  expect(gap?.event).toMatchObject({ type: "GAP", endpoint: "readings", reason: "endpoint_deleted" });
  expect([toSeq(gap?.event.from), toSeq(gap?.event.to)]).toEqual([1, 3]);
  expect(gap?.id).toMatch(/-gap$/);
  await world.polling("its delivery", async () => (await deliveries(id, "state=delivered")).length === 1);
  await server.runtime.webhooks.sweep();
  const [listed] = await deliveries(id);
  expect(listed).toMatchObject({ type: "GAP", endpoint: "readings", state: "delivered", uniqueId: null });
  expect((await world.call("POST", `webhooks/${id}/deliveries/${listed.id}/resend`)).status).toBe(200);
  await world.polling("the gap again", () => gaps().length === 2);
  expect(new Set(gaps().map((each) => each.id + each.text)).size).toBe(1);
});

it("[H1] [H3] a delivery that was tried again is announced too, and other endpoints go on meanwhile", async () => {
  const { id } = await world.hook();
  const other = (await world.call("POST", `projects/${world.projectId}/endpoints`, { name: "others" })).body.id;
  world.receiver.respond((response, { event }) =>
    (event.endpoint === "readings" ? respondWith(500) : OK)(response, { id: "", headers: {}, text: "", event }),
  );
  await world.write(1);
  await world.polling("a failed try", async () => (await deliveries(id, "state=retrying")).length === 1);
  expect((await remove()).status).toBe(204);
  await world.polling("a failed gap", async () =>
    (await deliveries(id, "state=retrying")).some(({ type }: { type: string }) => type === "GAP"),
  );
  await world.call("POST", `endpoints/${other}/records`, { v: 1 });
  await world.polling("the change of the other endpoint", () => world.receiver.received.some(({ event }) => event.endpoint === "others"));
  world.receiver.respond(OK);
  await world.polling("the gap", async () =>
    (await deliveries(id, "state=delivered")).some(({ type }: { type: string }) => type === "GAP"),
  );
  expect(toSeq(gaps().at(-1)?.event.from)).toBe(0);
});

it("[H1] [H3] without undelivered changes nothing is announced", async () => {
  const { id } = await world.hook();
  await world.write(1);
  await world.polling("a delivery", async () => (await deliveries(id, "state=delivered")).length === 1);
  expect((await remove()).status).toBe(204);
  await server.runtime.webhooks.poll();
  expect((await world.call("GET", `webhooks/${id}`)).body).toMatchObject({ lag: 0, parked: 0 });
  expect(await deliveries(id)).toEqual([]);
  expect(gaps()).toEqual([]);
});
