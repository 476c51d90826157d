/** Tests streams over TLS (wss). */
import { generate } from "selfsigned";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ERRORS } from "@/src/shared/errors";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
let seed: Seed;
beforeAll(async () => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }]);
  server = await createRealtimeServer({ tls: { cert, key }, queueBytesMax: 262_144 });
  seed = await server.seed({ endpointName: "examples/unsecure-endpoint" });
});
afterAll(() => server.close());

it("[W1] [W2] works over wss as over ws", async () => {
  const client = await server.connect(seed.path, { insecure: true });
  const resumable = await server.connect(`${seed.path}&since=now`, { insecure: true });
  const data = "x".repeat(100_000);
  const id = "0".repeat(31);
  for (let i = 0; i < 5; i++) {
    await server.records.commit(seed.endpointId, [{ type: "POST", id: `${id}${i}`, contentType: "text", data: JSON.stringify(data) }]);
    expect((await client.at(i)).record).toMatchObject({ uniqueId: `${id}${i}`, data });
  }
  expect((await resumable.take(6)).map(({ type }) => type)).toEqual(["READY", "POST", "POST", "POST", "POST", "POST"]);
});

it("[W3] a refusal over wss is a close of 4000 too", async () => {
  const client = await server.connect(seed.path.replace(/key=.*/, ""), { insecure: true });
  expect(await client.closed).toEqual({ code: 4000, reason: ERRORS.key_missing.message });
});

it("[W8] shutdown over wss is a close of 1012", async () => {
  const client = await server.connect(seed.path, { insecure: true });
  await server.closeStreams();
  expect((await client.closed).code).toBe(1012);
});
