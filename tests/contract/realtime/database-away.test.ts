/** Tests streams while the database is unavailable (E3): open ones stay open, new ones are closed with 1013, and no change is lost. */
import { randomUUID } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createTestDatabase, type TestDatabase } from "@/tests/support/servers/database";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { createSeverableProxy, type SeverableProxy } from "@/tests/support/servers/severable-proxy";
import { until } from "@/tests/support/until";

let database: TestDatabase;
let proxy: SeverableProxy;
let server: RealtimeServer;
afterEach(async () => {
  await server.close();
  await proxy.close();
  await database.drop();
});

it("[E3] [W4] streams stay open and receive the changes that were committed in the meantime; new ones are closed with 1013 until the database is available", async () => {
  database = await createTestDatabase();
  proxy = await createSeverableProxy(database);
  server = await createRealtimeServer({ database, via: proxy });
  const seed = await server.seed();
  const open = [await server.connect(seed.path), await server.connect(`${seed.path}&since=now`)];
  const write = async (data: string) => {
    const id = randomUUID();
    await server.pool.query(`INSERT INTO "Record" ("id", "endpointId", "data") VALUES ($1, $2, to_json($3::text))`, [
      id,
      seed.endpointId,
      data,
    ]);
    return id.replaceAll("-", "");
  };

  await proxy.sever();
  const ids = [await write("first"), await write("second")];
  await expect(server.hub.poll()).rejects.toMatchObject({ code: "database_unavailable" });
  const refused = await server.connect(seed.path);
  expect(await refused.closed).toEqual({ code: 1013, reason: "The database is unavailable. Try again shortly." });
  // The key of this project is not in the cache.
  const unknown = await server.connect(seed.path.replace(/key=.*/, `key=${"0".repeat(32)}`));
  expect((await unknown.closed).code).toBe(1013);
  for (const client of open) expect(client.webSocket.readyState).toBe(WebSocket.OPEN);

  await proxy.restore();
  await until("the log can be read again", () =>
    server.tick().then(
      () => true,
      () => false,
    ),
  );
  ids.push(await write("third"));
  await server.tick();
  const [plain, resumable] = open;
  expect((await plain?.take(3))?.map(({ record }) => record?.uniqueId)).toEqual(ids);
  expect((await resumable?.take(4))?.slice(1).map(({ record }) => record?.uniqueId)).toEqual(ids);
  const late = await server.connect(seed.path);
  ids.push(await write("fourth"));
  await server.tick();
  expect((await late.at(0)).record?.uniqueId).toBe(ids[3]);
});

it("[E3] [W6] access that could not be checked without the database is checked when the database is available again", async () => {
  database = await createTestDatabase();
  proxy = await createSeverableProxy(database);
  server = await createRealtimeServer({ database, via: proxy });
  const seed = await server.seed();
  const client = await server.connect(seed.path);
  await proxy.sever();
  await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
  server.definitions.invalidate(seed.projectId);
  await expect(server.hub.poll()).rejects.toMatchObject({ code: "database_unavailable" });
  expect(client.webSocket.readyState).toBe(WebSocket.OPEN);
  await proxy.restore();
  await until("the access was checked", async () => {
    await server.hub.poll().catch(() => undefined);
    return client.webSocket.readyState === WebSocket.CLOSED;
  });
  expect(await client.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
});
