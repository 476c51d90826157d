/** Tests that open streams end when their access ends (W6): exactly those, with the cause, on every node. */
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { addTicket } from "@/tests/support/clients/tickets";
import type { Seed, SeedOptions } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const ORIGIN = "https://app.example.com";
const OTHER_ORIGIN = "https://admin.example.com";

/** Creates another key of the same project, and returns the path with it. */
async function addKey(seed: Seed, expiresAt: Date | null = null): Promise<string> {
  const key = randomBytes(16).toString("hex");
  await server.pool.query(
    `INSERT INTO "ApiKey" ("id", "projectId", "name", "key", "expiresAt") VALUES (gen_random_uuid(), $1, 'Another key', $2, $3)`,
    [seed.projectId, key, expiresAt],
  );
  return seed.path.replace(/key=.*/, `key=${key}`);
}

/** Creates another endpoint of the same project, and returns its path. */
async function addEndpoint(seed: Seed): Promise<string> {
  await server.pool.query(`INSERT INTO "Endpoint" ("id", "projectId", "name") VALUES (gen_random_uuid(), $1, 'another/endpoint')`, [
    seed.projectId,
  ]);
  return seed.path.replace(seed.endpointName, "another/endpoint");
}

async function expectOpen(clients: Record<string, StreamClient>): Promise<void> {
  const states = Object.entries(clients).map(([name, { webSocket }]) => [name, webSocket.readyState === WebSocket.OPEN]);
  expect(states).toEqual(Object.keys(clients).map((name) => [name, true]));
}

async function seedTwo(options?: SeedOptions): Promise<[Seed, Seed]> {
  return [await server.seed(options), await server.seed(options)];
}

describe("keys", () => {
  it("[W6] a revoked key ends its sockets; those of other keys, endpoints and projects stay open", async () => {
    const [seed, stranger] = await seedTwo();
    const concerned = [
      await server.connect(seed.path),
      await server.connect(`${seed.path}&since=now`),
      await server.connect(await addEndpoint(seed)),
    ];
    const others = { key: await server.connect(await addKey(seed)), project: await server.connect(stranger.path) };
    await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
    await server.tick();
    for (const client of concerned) expect(await client.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
    await expectOpen(others);
    await server.post({ ...seed, path: await addKey(seed) }, "still heard");
    expect((await others.key.at(0)).record?.data).toBe("still heard");
  });

  it("[W6] [U7] on the node where it is revoked, at once", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
    server.definitions.invalidate(seed.projectId);
    expect(await client.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
  });

  it("[W6] a key that is deleted", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    await server.pool.query(`DELETE FROM "ApiKey" WHERE id = $1`, [seed.keyId]);
    await server.tick();
    expect((await client.closed).code).toBe(1000);
  });

  it("[W6] a key that may no longer read", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    await server.pool.query(`UPDATE "ApiKey" SET scope = 'write' WHERE id = $1`, [seed.keyId]);
    await server.tick();
    expect(await client.closed).toEqual({ code: 1000, reason: "Access to the endpoint has changed. Connect again." });
  });

  it("[W6] a key expires without any write; a key that is prolonged in time does not", async () => {
    const start = server.clock.at;
    const expiresAt = new Date(start.getTime() + 60_000);
    const seed = await server.seed({ expiresAt });
    const prolonged = await server.seed({ expiresAt });
    const [client, other] = [await server.connect(seed.path), await server.connect(prolonged.path)];
    const lasting = { key: await server.connect(await addKey(seed)) };
    await server.pool.query(`UPDATE "ApiKey" SET "expiresAt" = NULL WHERE id = $1`, [prolonged.keyId]);
    try {
      server.clock.at = new Date(expiresAt.getTime() - 1);
      await server.tick();
      await expectOpen({ client, other });
      server.clock.at = expiresAt;
      await server.tick();
      expect(await client.closed).toEqual({ code: 1000, reason: "The API key has expired." });
      await expectOpen({ other, ...lasting });
    } finally {
      server.clock.at = start;
    }
  });

  it("[W6] [U7] a key that is rotated ends when its grace is over", async () => {
    const start = server.clock.at;
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const over = new Date(start.getTime() + 3_600_000);
    await server.pool.query(`UPDATE "ApiKey" SET "expiresAt" = $2 WHERE id = $1`, [seed.keyId, over]);
    try {
      await server.tick();
      await expectOpen({ client });
      server.clock.at = over;
      await server.tick();
      expect(await client.closed).toEqual({ code: 1000, reason: "The API key has expired." });
    } finally {
      server.clock.at = start;
    }
  });

  it("[W6] a key that is made to expire earlier", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    await server.pool.query(`UPDATE "ApiKey" SET "expiresAt" = $2 WHERE id = $1`, [seed.keyId, server.clock.at]);
    await server.tick();
    expect(await client.closed).toEqual({ code: 1000, reason: "The API key has expired." });
  });
});

describe("endpoints and projects", () => {
  it("[W6] a deleted endpoint ends its sockets, the master key's and the console's too; the project's other sockets stay open", async () => {
    const seed = await server.seed({ masterKey: "m" });
    const { ticket } = await addTicket(server, seed);
    const concerned = [
      await server.connect(seed.path),
      await server.connect(`${seed.path}&masterKey=m`),
      await server.connect(seed.path.replace(/key=.*/, `ticket=${ticket}`)),
    ];
    const others = { endpoint: await server.connect(await addEndpoint(seed)) };
    expect(server.hub.subscriberCount(seed.endpointId)).toBe(3);
    await server.pool.query(`UPDATE "Endpoint" SET "projectId" = NULL WHERE id = $1`, [seed.endpointId]);
    await server.tick();
    for (const client of concerned) expect(await client.closed).toEqual({ code: 1000, reason: "The endpoint was deleted." });
    await expectOpen(others);
    expect(server.hub.subscriberCount(seed.endpointId)).toBe(0);
  });

  it("[W6] a deleted project ends all its sockets", async () => {
    const [seed, stranger] = await seedTwo();
    const concerned = [await server.connect(seed.path), await server.connect(await addEndpoint(seed))];
    const others = { project: await server.connect(stranger.path) };
    await server.pool.query(`DELETE FROM "Project" WHERE id = $1`, [seed.projectId]);
    await server.tick();
    for (const client of concerned) expect(await client.closed).toEqual({ code: 1000, reason: "The endpoint was deleted." });
    await expectOpen(others);
  });

  it("[W6] an endpoint that becomes secure ends its sockets, but not the master key's", async () => {
    const seed = await server.seed({ masterKey: "m" });
    const client = await server.connect(seed.path);
    const others = { master: await server.connect(`${seed.path}&masterKey=m`), endpoint: await server.connect(await addEndpoint(seed)) };
    await server.pool.query(`UPDATE "Endpoint" SET secure = true WHERE id = $1`, [seed.endpointId]);
    await server.tick();
    expect(await client.closed).toEqual({ code: 1000, reason: "The endpoint is now secure. Connect again with an access token." });
    await expectOpen(others);
  });

  it("[W6] a new master key ends the sockets of the old one", async () => {
    const seed = await server.seed({ masterKey: "old" });
    const client = await server.connect(`${seed.path}&masterKey=old`);
    const others = { plain: await server.connect(seed.path) };
    await server.pool.query(`UPDATE "Project" SET "masterKeyHash" = $2 WHERE id = $1`, [
      seed.projectId,
      createHash("sha256").update("new").digest(),
    ]);
    await server.tick();
    expect(await client.closed).toEqual({ code: 1000, reason: "Access to the endpoint has changed. Connect again." });
    await expectOpen(others);
  });

  it("[W6] a change that removes no access ends no stream", async () => {
    const seed = await server.seed({ allowedOrigins: [ORIGIN] });
    const clients = { client: await server.connect(seed.path, { origin: ORIGIN }) };
    await server.pool.query(`UPDATE "Project" SET name = 'Another name', "allowedOrigins" = $2 WHERE id = $1`, [
      seed.projectId,
      [OTHER_ORIGIN, ORIGIN],
    ]);
    await server.tick();
    await expectOpen(clients);
  });
});

describe("origins", () => {
  it("[W6] an origin that is no longer allowed ends its sockets, and no others", async () => {
    const masterKey = "m";
    const seed = await server.seed({ allowedOrigins: [ORIGIN, OTHER_ORIGIN], masterKey });
    const concerned = await server.connect(seed.path, { origin: ORIGIN });
    const others = {
      origin: await server.connect(seed.path, { origin: OTHER_ORIGIN }),
      without: await server.connect(seed.path),
      master: await server.connect(`${seed.path}&masterKey=${masterKey}`, { origin: ORIGIN }),
    };
    await server.pool.query(`UPDATE "Project" SET "allowedOrigins" = $2 WHERE id = $1`, [seed.projectId, [OTHER_ORIGIN]]);
    await server.tick();
    expect(await concerned.closed).toEqual({ code: 1000, reason: "This origin is no longer allowed." });
    await expectOpen(others);
  });

  it("[W6] when requests without an origin are disallowed, the sockets without one end", async () => {
    const seed = await server.seed();
    const concerned = await server.connect(seed.path);
    const others = { origin: await server.connect(seed.path, { origin: ORIGIN }) };
    await server.pool.query(`UPDATE "Project" SET "disallowNoOrigin" = true WHERE id = $1`, [seed.projectId]);
    await server.tick();
    expect((await concerned.closed).code).toBe(1000);
    await expectOpen(others);
  });
});

describe("nodes", () => {
  it("[W6] a change on one node ends the sockets of the other, even if its cache was emptied since", async () => {
    const node = await createRealtimeServer({ database: server.database });
    try {
      const seed = await server.seed();
      const client = await node.connect(seed.path);
      node.definitions.invalidate(seed.projectId);
      await node.hub.recheck(seed.projectId);
      await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId]);
      await node.tick();
      expect(await client.closed).toEqual({ code: 1000, reason: "The API key was revoked." });
    } finally {
      await node.close();
    }
  });

  it("[W6] a key that is revoked while its socket is being opened does not stay open", async () => {
    const seed = await server.seed();
    for (let i = 0; i < 20; i++) {
      await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = NULL WHERE id = $1`, [seed.keyId]);
      await server.tick();
      const opening = server.connect(seed.path);
      const revoking = server.pool
        .query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE id = $1`, [seed.keyId])
        .then(() => server.definitions.invalidate(seed.projectId));
      const [client] = await Promise.all([opening, revoking]);
      await server.tick();
      expect([1000, 4000]).toContain((await client.closed).code);
    }
  });
});
