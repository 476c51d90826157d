/** Open streams of endpoints with access rules end when the answer may have changed (W6), on every node, and a new connection gets what the new rules allow. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccessRules } from "@/src/shared/rules/access-rules";
import { openEvents } from "@/tests/support/clients/event-client";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addRecord, createSecureWorld, MASTER_KEY, type SecureWorld, type WorldUser } from "@/tests/support/servers/secure-world";
import { setRules, setUserData } from "./judged-world";

/** Two nodes of a deployment without Redis: the other one learns of a change only when it reads the database. */
let server: RealtimeServer;
let other: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
  other = await createRealtimeServer({ database: server.database });
});
afterAll(async () => {
  await other.close();
  await server.close();
});

const CHANGED = { code: 1000, reason: "Access to the endpoint has changed. Connect again." };

async function createWorld(rules: AccessRules, secure = true): Promise<SecureWorld> {
  const world = await createSecureWorld(server, { secure });
  await setRules(server, world, rules);
  return world;
}

const connect = (at: RealtimeServer, world: SecureWorld, user: WorldUser | undefined, query = "") =>
  at.connect(`${world.path}?key=${world.keys.both}${query}`, user ? { headers: { Authorization: `Bearer ${user.token}` } } : {});

const isOpen = ({ webSocket }: StreamClient) => webSocket.readyState === webSocket.OPEN;

describe("open streams of an endpoint with rules", () => {
  it("[W6] end on all nodes when the rules change, and the new connection resumes by the new rules", async () => {
    const world = await createWorld({ read: "data.level < 2" });
    const { ann } = world.users;
    const [here, there] = [await connect(server, world, ann, "&since=now"), await connect(other, world, ann, "&since=now")];
    await addRecord(server, world.endpointId, undefined, '{"level":1}');
    await addRecord(server, world.endpointId, undefined, '{"level":2}');
    await other.tick();
    expect((await there.take(2)).map(({ record }) => record?.data)).toEqual([undefined, { level: 1 }]);
    await setRules(server, world, { read: "data.level < 3", hide: ["secret"] });
    await server.tick();
    await other.tick();
    expect([await here.closed, await there.closed]).toEqual([CHANGED, CHANGED]);
    const cursor = JSON.parse(there.texts[0] ?? "").cursor;
    await addRecord(server, world.endpointId, undefined, '{"level":2,"secret":1}');
    const again = await connect(other, world, ann, `&since=${cursor}`);
    expect((await again.take(4)).map(({ record }) => record?.data)).toEqual([undefined, { level: 1 }, { level: 2 }, { level: 2 }]);
  });

  it("[W6] end when the endpoint gets its first rules, and when it loses them", async () => {
    const world = await createSecureWorld(server, {});
    const before = await connect(server, world, undefined);
    await setRules(server, world, { read: "data.isPublic = true" });
    await server.tick();
    expect(await before.closed).toEqual(CHANGED);
    const judged = await connect(server, world, undefined);
    await addRecord(server, world.endpointId, undefined, '{"n":1}');
    await addRecord(server, world.endpointId, undefined, '{"isPublic":true}');
    expect((await judged.at(0)).record?.data).toEqual({ isPublic: true });
    await setRules(server, world, null);
    await server.tick();
    expect(await judged.closed).toEqual(CHANGED);
  });

  it("[W6] as server-sent events, they end with an event that says so", async () => {
    const world = await createWorld({ read: "@owner = @user.id" });
    const events = await openEvents(`${server.httpOrigin}${world.path}?key=${world.keys.both}`, {
      Authorization: `Bearer ${world.users.ann.token}`,
    });
    await setRules(server, world, { read: "true" });
    await server.tick();
    await events.ended;
    expect(events.events().at(-1)).toMatchObject({ type: "close", data: JSON.stringify(CHANGED) });
  });

  it("[W6] end when the user's own record changes what they would receive, and no others", async () => {
    const world = await createWorld({ read: "data.room = @user.data.room" });
    const { ann, bob } = world.users;
    await setUserData(server, ann, { room: "red" });
    await setUserData(server, bob, { room: "red" });
    await other.tick();
    const streams = {
      ann: await connect(server, world, ann),
      annThere: await connect(other, world, ann),
      bob: await connect(server, world, bob),
    };
    // It changes nothing that the rules read.
    await setUserData(server, ann, { room: "red", mood: "fine" });
    await server.tick();
    await other.tick();
    await addRecord(server, world.endpointId, undefined, '{"room":"red"}');
    await other.tick();
    await Promise.all(Object.values(streams).map((stream) => stream.at(0)));
    await setUserData(server, ann, { room: "blue" });
    await server.tick();
    await other.tick();
    expect([await streams.ann.closed, await streams.annThere.closed]).toEqual([CHANGED, CHANGED]);
    expect(isOpen(streams.bob)).toBe(true);
    await addRecord(server, world.endpointId, undefined, '{"room":"blue"}');
    await addRecord(server, world.endpointId, undefined, '{"room":"red"}');
    const again = await connect(other, world, ann, "&since=now&snapshot=true");
    expect(await again.take(2)).toMatchObject([{ type: "READY" }, { type: "SNAPSHOT", record: [{ data: { room: "blue" } }] }]);
    expect((await streams.bob.take(2)).map(({ record }) => record?.data)).toEqual([{ room: "red" }, { room: "red" }]);
  });

  it("[W6] a user whose record changes while the stream opens is noticed", async () => {
    const world = await createWorld({ read: "data.room = @user.data.room" });
    const { ann } = world.users;
    await setUserData(server, ann, { room: "red" });
    await other.tick();
    // Behind the back of the other node, whose cache has the old state.
    const first = await connect(other, world, ann);
    await setUserData(server, ann, { room: "blue" });
    const second = await connect(other, world, ann);
    await other.tick();
    expect(await first.closed).toEqual(CHANGED);
    expect(await second.closed).toEqual(CHANGED);
  });

  it("[W6] stay open when something else changes in the project", async () => {
    const world = await createWorld({ read: "data.room = @user.data.room" });
    const stream = await connect(server, world, world.users.ann);
    await server.pool.query(`UPDATE "Endpoint" SET description = 'Another text' WHERE id = $1`, [world.endpointId]);
    await server.pool.query(`UPDATE "Project" SET revision = revision + 1 WHERE id = $1`, [world.projectId]);
    await server.tick();
    expect(isOpen(stream)).toBe(true);
  });

  it("[W5] [U6] the master key and the console's ticket receive everything, whatever the rules say", async () => {
    const world = await createWorld({ read: "false", hide: ["n"] });
    const master = await server.connect(`${world.path}?key=${world.keys.both}`, { headers: { "X-Master-Key": MASTER_KEY } });
    const ticket = await server.connect(`${world.path}?ticket=${world.ticket}`);
    const ann = await connect(server, world, world.users.ann, "&since=now");
    await addRecord(server, world.endpointId, world.users.ann.id);
    expect([(await master.at(0)).record?.data, (await ticket.at(0)).record?.data]).toEqual([{ n: 0 }, { n: 0 }]);
    expect(ann.texts).toHaveLength(1);
  });
});
