/** Tests that subscribers receive all records of an import in one run of the log. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createImportStaging } from "@/src/db/records/import-staging";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

const COUNT = 20_000;
const BATCH = 1000;

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

it("[G14] [W4] an open stream gets every record once, in order, without changes of other writers in between", async () => {
  const seed = await server.seed();
  const client = await server.connect(`${seed.path}&since=now`);
  const { pool, notifications } = server;
  const staged = createImportStaging({ pool, queue: createEndpointQueue(), notifications, log: { warn: console.warn } }).begin();
  for (let from = 0; from < COUNT; from += BATCH) await staged.add(Array.from({ length: BATCH }, (_, index) => String(from + index)));
  await server.post(seed, "before");
  const publishing = staged.publish(seed.endpointId);
  const posts = Array.from({ length: 5 }, () => server.post(seed, "beside"));
  expect(await publishing).toBe(true);
  await Promise.all(posts);
  await server.post(seed, "after");
  // The first message of a resumable stream contains its start.
  const messages = await client.take(1 + COUNT + 7);
  const data = messages.flatMap(({ record }) => (record ? [record.data] : []));
  expect(data).toHaveLength(COUNT + 7);
  expect([data[0], data.at(-1)]).toEqual(["before", "after"]);
  const start = data.indexOf(0);
  expect(data.slice(start, start + COUNT)).toEqual(Array.from({ length: COUNT }, (_, index) => index));
}, 60_000);
