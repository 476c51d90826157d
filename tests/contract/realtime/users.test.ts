/** Tests streams of users (W5, W6): which changes each one receives, and that a stream ends with its user's access, on every node. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ACCESS_TOKEN_COOKIE } from "@/src/shared/streams/protocol";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createUser, logIn, logOut } from "@/tests/support/clients/users";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, addToken, createSecureWorld, MASTER_KEY, type SecureWorld } from "@/tests/support/servers/secure-world";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

const ENDED = {
  tokenRevoked: { code: 1000, reason: "The access token was revoked. Log in again." },
  tokenExpired: { code: 1000, reason: "The access token has expired. Log in again." },
  userDeleted: { code: 1000, reason: "The user of this access token was deleted." },
  accessChanged: { code: 1000, reason: "Access to the endpoint has changed. Connect again." },
  secured: { code: 1000, reason: "The endpoint is now secure. Connect again with an access token." },
};

const streamOf = (world: SecureWorld, token: string, query = "") => `${world.path}?key=${world.keys.both}&accessToken=${token}${query}`;

async function expectOpen(clients: Record<string, StreamClient>): Promise<void> {
  const states = Object.entries(clients).map(([name, { webSocket }]) => [name, webSocket.readyState === WebSocket.OPEN]);
  expect(states).toEqual(Object.keys(clients).map((name) => [name, true]));
}

/** Opens a stream with each kind of credentials at a world's endpoint. */
async function connectAll(world: SecureWorld, node: RealtimeServer = server) {
  const { ann, bob, sue } = world.users;
  return {
    ann: await node.connect(streamOf(world, ann.token)),
    bob: await node.connect(streamOf(world, bob.token, "&since=now")),
    sue: await node.connect(`${world.path}?key=${world.keys.both}`, { headers: { Cookie: `${ACCESS_TOKEN_COOKIE}=${sue.token}` } }),
    master: await node.connect(`${world.path}?key=${world.keys.both}&masterKey=${MASTER_KEY}`),
    ticket: await node.connect(`${world.path}?ticket=${world.ticket}`),
  };
}

const set = (sql: string, values: unknown[]) => server.pool.query(sql, values);

describe("the changes that a user receives", () => {
  it("[W5] each user receives only its own changes, on each of its sockets", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const all = await connectAll(world);
    const annAgain = await server.connect(streamOf(world, world.users.ann.token));
    const post = async (token: string, data: unknown) => {
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
      const url = `${server.httpOrigin}${world.path}?key=${world.keys.both}`;
      expect((await fetch(url, { method: "POST", headers, body: JSON.stringify(data) })).status).toBe(201);
    };
    for (const turn of [1, 2]) for (const name of ["ann", "bob", "sue"] as const) await post(world.users[name].token, `${name} ${turn}`);
    const dataOf = async (client: StreamClient, count: number) => (await client.take(count)).flatMap(({ record }) => record?.data ?? []);
    expect(await dataOf(all.ann, 2)).toEqual(["ann 1", "ann 2"]);
    expect(await dataOf(annAgain, 2)).toEqual(["ann 1", "ann 2"]);
    expect(await dataOf(all.bob, 3)).toEqual(["bob 1", "bob 2"]);
    expect(await dataOf(all.sue, 2)).toEqual(["sue 1", "sue 2"]);
    const everything = ["ann 1", "bob 1", "sue 1", "ann 2", "bob 2", "sue 2"];
    expect(await dataOf(all.master, 6)).toEqual(everything);
    expect(await dataOf(all.ticket, 6)).toEqual(everything);
  });

  it("[W5] [W9] a user that resumes misses nothing, and gets neither changes of others nor a GAP for them", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann, bob } = world.users;
    const before = await server.connect(streamOf(world, ann.token, "&since=now"));
    const { cursor } = await before.at(0);
    await before.close();
    const missed: string[] = [];
    for (let i = 0; i < 60; i++) {
      const id = await addRecord(server, world.endpointId, i % 7 === 3 ? ann.id : i % 2 === 0 ? bob.id : undefined);
      if (i % 7 === 3) missed.push(id);
    }
    const after = await server.connect(streamOf(world, ann.token, `&since=${cursor}`));
    await after.take(1 + missed.length);
    missed.push(await addRecord(server, world.endpointId, ann.id));
    const messages = await after.take(1 + missed.length);
    expect(messages.slice(1).map(({ type, record }) => [type, record?.uniqueId])).toEqual(missed.map((id) => ["POST", id]));
  });

  it("[W5] [L4] at an authentication endpoint a user receives the changes of its own account, to the end", async () => {
    const world = await createSecureWorld(server, "people");
    const all = await connectAll({ ...world, users: { ...world.users, sue: world.users.ann } });
    const url = `${server.httpOrigin}${world.path}?key=${world.keys.both}&uniqueId=${world.users.ann.id}`;
    const headers = { Authorization: `Bearer ${world.users.ann.token}` };
    expect((await fetch(url, { method: "DELETE", headers })).status).toBe(200);
    expect(await all.ann.at(0)).toMatchObject({ type: "DELETE", record: { uniqueId: world.users.ann.id } });
    expect(await all.ann.closed).toEqual(ENDED.userDeleted);
    expect((await all.master.at(0)).type).toBe("DELETE");
    await server.tick();
    expect(all.bob.texts).toHaveLength(1);
    await expectOpen({ bob: all.bob, master: all.master, ticket: all.ticket });
  });
});

describe("the end of a token", () => {
  it("[W6] [L3] logout ends the token's sockets at once, on all endpoints, and those of no other token of the user", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const people = { origin: server.httpOrigin, path: `/api/1/ce/people/of-test?key=${world.keys.both}` };
    const user = await createUser(people);
    const otherToken = await logIn(people, user);
    const concerned = [
      await server.connect(streamOf(world, user.token)),
      await server.connect(streamOf(world, user.token, "&since=now")),
      await server.connect(`${people.path}&accessToken=${user.token}`),
    ];
    const others = { ...(await connectAll(world)), again: await server.connect(streamOf(world, otherToken)) };
    await logOut(people, user.token);
    for (const client of concerned) expect(await client.closed).toEqual(ENDED.tokenRevoked);
    await server.tick();
    await expectOpen(others);
    expect((await (await server.connect(streamOf(world, user.token))).closed).code).toBe(4000);
  });

  it("[W6] a token expires without any write; a token that is prolonged in time does not", async () => {
    const start = server.clock.at;
    const world = await createSecureWorld(server, { secure: true });
    const { ann, bob } = world.users;
    const over = new Date(start.getTime() + 60_000);
    const [short, prolonged] = [
      await addToken(server, { userId: ann.id, projectId: world.projectId, expiresAt: over }),
      await addToken(server, { userId: bob.id, projectId: world.projectId, expiresAt: over }),
    ];
    const client = await server.connect(streamOf(world, short));
    const other = await server.connect(streamOf(world, prolonged));
    const lasting = { ann: await server.connect(streamOf(world, ann.token)) };
    await set(`UPDATE "AccessToken" SET "expiresAt" = $2 WHERE "userId" = $1`, [bob.id, new Date(start.getTime() + 120_000)]);
    await set(`UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE id = $1`, [world.projectId]);
    try {
      await server.tick();
      server.clock.at = new Date(over.getTime() - 1);
      await server.tick();
      await expectOpen({ client, other });
      server.clock.at = over;
      await server.tick();
      expect(await client.closed).toEqual(ENDED.tokenExpired);
      await expectOpen({ other, ...lasting });
    } finally {
      server.clock.at = start;
    }
  });

  it("[W6] a deleted user's sockets end; other users' stay open", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann, ...others } = await connectAll(world);
    await set(`DELETE FROM "Record" WHERE id = $1`, [world.users.ann.id]);
    await server.tick();
    expect(await ann.closed).toEqual(ENDED.userDeleted);
    await expectOpen(others);
  });

  it("[W6] a token that ends while its socket is being opened does not leave it open", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { ann } = world.users;
    for (let i = 0; i < 20; i++) {
      const token = await addToken(server, { userId: ann.id, projectId: world.projectId });
      const opening = server.connect(streamOf(world, token));
      const revoking = set(`UPDATE "AccessToken" SET "revokedAt" = now() WHERE "userId" = $1 AND "revokedAt" IS NULL`, [ann.id]).then(() =>
        server.tokens.invalidate(world.projectId),
      );
      const [client] = await Promise.all([opening, revoking]);
      await server.tick();
      expect([1000, 4000]).toContain((await client.closed).code);
    }
  });
});

describe("the endpoint", () => {
  it("[W6] becomes secure: streams without a user or the master key end", async () => {
    const world = await createSecureWorld(server, {});
    const client = await server.connect(`${world.path}?key=${world.keys.both}`);
    const withToken = await server.connect(streamOf(world, world.users.ann.token));
    const { master, ticket } = await connectAll(world);
    await set(`UPDATE "Endpoint" SET secure = true WHERE id = $1`, [world.endpointId]);
    await server.tick();
    expect(await client.closed).toEqual(ENDED.secured);
    // The endpoint was open, so the token was not checked.
    expect(await withToken.closed).toEqual(ENDED.secured);
    await expectOpen({ master, ticket });
  });

  it.each([
    ["others may read now", { secure: true }, `"othersCanRead" = true`],
    ["others may no longer read", { secure: true, othersCanRead: true }, `"othersCanRead" = false`],
    ["it is open now", { secure: true }, `"secure" = false`],
  ])("[W6] %s: users' sockets end, as they would show something else; the others stay open", async (_what, before, change) => {
    const world = await createSecureWorld(server, before);
    const { ann, bob, sue, ...others } = await connectAll(world);
    await set(`UPDATE "Endpoint" SET ${change} WHERE id = $1`, [world.endpointId]);
    await server.tick();
    for (const client of [ann, bob, sue]) expect(await client.closed).toEqual(ENDED.accessChanged);
    await expectOpen(others);
  });

  it("[W6] a switch that does not affect streams ends none", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const all = await connectAll(world);
    await set(`UPDATE "Endpoint" SET "othersCanUpdate" = true, "othersCanDelete" = true WHERE id = $1`, [world.endpointId]);
    await server.tick();
    await expectOpen(all);
  });
});

describe("nodes", () => {
  it("[W6] [L3] a logout on one node ends the sockets on the other", async () => {
    const node = await createRealtimeServer({ database: server.database });
    try {
      const world = await createSecureWorld(server, { secure: true });
      const people = { origin: server.httpOrigin, path: `/api/1/ce/people/of-test?key=${world.keys.both}` };
      const user = await createUser(people);
      const there = await node.connect(streamOf(world, user.token));
      const others = await connectAll(world, node);
      await node.tick();
      await expectOpen({ there, ...others });
      await logOut(people, user.token);
      await node.tick();
      expect(await there.closed).toEqual(ENDED.tokenRevoked);
      await expectOpen(others);
      // The node's cache does not accept the token again.
      expect((await (await node.connect(streamOf(world, user.token))).closed).code).toBe(4000);
      const headers = { Authorization: `Bearer ${user.token}` };
      expect((await fetch(`${node.httpOrigin}${world.path}?key=${world.keys.both}`, { headers })).status).toBe(401);
    } finally {
      await node.close();
    }
  });

  it("[W6] so does deleting a user, and changing switches", async () => {
    const node = await createRealtimeServer({ database: server.database });
    try {
      const world = await createSecureWorld(server, { secure: true });
      const { ann, bob, sue, ...others } = await connectAll(world, node);
      const url = `${server.httpOrigin}/api/1/ce/people/of-test?key=${world.keys.both}&uniqueId=${world.users.ann.id}`;
      expect((await fetch(url, { method: "DELETE", headers: { "X-Master-Key": MASTER_KEY } })).status).toBe(200);
      await node.tick();
      expect(await ann.closed).toEqual(ENDED.userDeleted);
      await expectOpen({ bob, sue, ...others });
      await set(`UPDATE "Endpoint" SET "othersCanRead" = true WHERE id = $1`, [world.endpointId]);
      await node.tick();
      for (const client of [bob, sue]) expect(await client.closed).toEqual(ENDED.accessChanged);
      await expectOpen(others);
    } finally {
      await node.close();
    }
  });
});

describe("the handshake", () => {
  it.each([
    ["the cookie", (token: string) => ({ query: "", headers: { Cookie: `a=b; ${ACCESS_TOKEN_COOKIE}=${token}; c=d` } })],
    ["Authorization: Bearer", (token: string) => ({ query: "", headers: { Authorization: `Bearer ${token}` } })],
    ["accessToken", (token: string) => ({ query: `&accessToken=${token}`, headers: {} })],
  ])("[S1] [W1] reads %s", async (_how, toSent) => {
    const world = await createSecureWorld(server, { secure: true });
    const { query, headers } = toSent(world.users.ann.token);
    const client = await server.connect(`${world.path}?key=${world.keys.both}${query}`, { headers });
    const id = await addRecord(server, world.endpointId, world.users.ann.id);
    expect((await client.at(0)).record?.uniqueId).toBe(id);
    expect([...server.hub.connections()].find(({ endpointId }) => endpointId === world.endpointId)?.userId).toBe(world.users.ann.id);
  });

  it("[S1] [W3] a token in another place or of another form is ignored or invalid", async () => {
    const world = await createSecureWorld(server, { secure: true });
    const { token } = world.users.ann;
    const reasonOf = async (query: string, headers: Record<string, string> = {}) => {
      const client = await server.connect(`${world.path}?key=${world.keys.both}${query}`, { headers });
      return (await client.closed).reason;
    };
    const [none, bad] = [/Log in first/, /access token is not valid/];
    expect(await reasonOf(`&token=${token}`)).toMatch(none);
    expect(await reasonOf("", { Authorization: `Basic ${token}` })).toMatch(none);
    expect(await reasonOf("", { Cookie: `x-${ACCESS_TOKEN_COOKIE}=${token}` })).toMatch(none);
    expect(await reasonOf("&accessToken=")).toMatch(none);
    expect(await reasonOf(`&accessToken=Bearer%20${token}`)).toMatch(bad);
    expect(await reasonOf(`&accessToken=${token.slice(1)}`)).toMatch(bad);
    expect(await reasonOf(`&accessToken=${token}%00`)).toMatch(bad);
  });
});
