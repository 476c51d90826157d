/** Streams of endpoints with an access function (S8, W29): it is called for each change before it is sent, and the stream ends when a record changes that it has found. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createUniqueId } from "@/src/core/records/unique-id";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addEndpoint, addRecord, createSecureWorld, type SecureWorld, type WorldUser } from "@/tests/support/servers/secure-world";
import { until } from "@/tests/support/until";
import { readAs, setRules, toCaller } from "./judged-world";

/** Two nodes of a deployment without Redis. */
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
/** Members of a room read its messages. */
const ROOMS = `async ({ record, user, find }) => {
  const [room] = await find("rooms/of-test", { uniqueId: record.data.room });
  return room !== undefined && room.data.members.includes(user.uniqueId);
}`;

async function createWorld(source: string): Promise<SecureWorld> {
  const world = await createSecureWorld(server, { secure: true, othersCanRead: true });
  await setFunction(world, source);
  return world;
}

const setFunction = ({ endpointId }: SecureWorld, source: string) =>
  server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $2 WHERE id = $1`, [endpointId, source]);

const connect = (at: RealtimeServer, world: SecureWorld, user: WorldUser, query = "") =>
  at.connect(`${world.path}?key=${world.keys.both}${query}`, { headers: { Authorization: `Bearer ${user.token}` } });

const toData = ({ texts }: StreamClient): unknown[] =>
  texts.map((text) => JSON.parse(text)).flatMap(({ record }) => (record === undefined ? [] : [record].flat().map(({ data }) => data)));

describe("a stream of an endpoint with an access function", () => {
  it("[W29] [S8] a chat: a third user receives nothing, live, replayed and in a snapshot", async () => {
    const world = await createWorld("({ record, user }) => record.owner === user.uniqueId || record.data.to === user.uniqueId");
    const { ann, bob, sue } = world.users;
    const streams = {
      ann: await connect(server, world, ann),
      bob: await connect(server, world, bob),
      sue: await connect(server, world, sue, "&since=now"),
    };
    await addRecord(server, world.endpointId, ann.id, JSON.stringify({ to: bob.id, text: "for bob" }));
    await addRecord(server, world.endpointId, bob.id, JSON.stringify({ to: sue.id, text: "for sue" }));
    await Promise.all([streams.ann.take(1), streams.bob.take(2), streams.sue.take(2)]);
    expect(toData(streams.ann)).toMatchObject([{ text: "for bob" }]);
    expect(toData(streams.bob)).toMatchObject([{ text: "for bob" }, { text: "for sue" }]);
    expect(toData(streams.sue)).toMatchObject([{ text: "for sue" }]);
    const since = JSON.parse(streams.sue.texts[0] ?? "").cursor;
    const replayed = await connect(other, world, sue, `&since=${since}`);
    await replayed.take(2);
    const snapshot = await connect(other, world, sue, "&snapshot=true");
    await snapshot.take(1);
    expect([toData(replayed), toData(snapshot)]).toMatchObject([[{ text: "for sue" }], [{ text: "for sue" }]]);
  });

  it("[W6] [W29] ends on every node when a record changes that the function has found, and no earlier", async () => {
    const world = await createWorld(ROOMS);
    const { ann, bob } = world.users;
    const roomsId = await addEndpoint(server, { projectId: world.projectId, name: "rooms/of-test" });
    const room = await addRecord(server, roomsId, undefined, JSON.stringify({ members: [ann.id, bob.id] }));
    const another = await addRecord(server, roomsId, undefined, JSON.stringify({ members: [ann.id] }));
    const streams = [await connect(server, world, ann), await connect(other, world, ann, "&since=now")];
    await addRecord(server, world.endpointId, undefined, JSON.stringify({ room, n: 1 }));
    await server.tick();
    await other.tick();
    await Promise.all([streams[0]?.take(1), streams[1]?.take(2)]);
    await server.tick();
    await other.tick();
    // No message was in this room.
    await server.records.commit(roomsId, [{ type: "PUT", id: another, contentType: "json", data: '{"members":[]}' }]);
    await server.tick();
    await other.tick();
    expect(streams.map(({ webSocket }) => webSocket.readyState)).toEqual([1, 1]);
    await server.records.commit(roomsId, [{ type: "PUT", id: room, contentType: "json", data: JSON.stringify({ members: [bob.id] }) }]);
    await server.tick();
    await other.tick();
    expect(await Promise.all(streams.map(({ closed }) => closed))).toEqual([CHANGED, CHANGED]);
    await addRecord(server, world.endpointId, undefined, JSON.stringify({ room, n: 2 }));
    const again = await connect(other, world, ann, "&since=now&snapshot=true");
    expect(await again.take(2)).toMatchObject([{ type: "READY" }, { type: "SNAPSHOT", record: [] }]);
  });

  it("[S8] ends when a record of its own endpoint changes that the function has found, and not with each new one", async () => {
    const world = await createWorld(`async ({ record, user, find }) => {
      const [room] = record.data.room ? await find("things/of-test", { uniqueId: record.data.room }) : await find("things/of-test", { filter: 'kind = "room"' });
      return room !== undefined && room.data.members.includes(user.uniqueId);
    }`);
    const { ann, bob } = world.users;
    const data = (...members: string[]) => JSON.stringify({ kind: "room", members });
    const room = await addRecord(server, world.endpointId, undefined, data(ann.id, bob.id));
    const stream = await connect(server, world, ann);
    for (const n of [1, 2, 3]) {
      await addRecord(server, world.endpointId, undefined, JSON.stringify({ room, n }));
      await stream.take(1);
      await server.tick();
    }
    expect(stream.webSocket.readyState).toBe(1);
    const setRoom = (text: string) => server.records.commit(world.endpointId, [{ type: "PUT", id: room, contentType: "json", data: text }]);
    await setRoom(data(bob.id));
    await server.tick();
    expect(await stream.closed).toEqual(CHANGED);
    const again = await connect(server, world, ann, "&since=now&snapshot=true");
    expect(await again.take(2)).toMatchObject([{ type: "READY" }, { type: "SNAPSHOT", record: [] }]);
  });

  it("[W6] ends when the function changes", async () => {
    const world = await createWorld("() => true");
    const stream = await connect(server, world, world.users.ann);
    await setFunction(world, "() => false");
    await server.tick();
    expect(await stream.closed).toEqual(CHANGED);
  });

  it("[W29] does not receive records on which the function fails, and goes on", async () => {
    const world = await createWorld(
      "({ record }) => { if (record.data.n === 2) throw new Error('two'); return record.data.n < 4 ? true : 'yes'; }",
    );
    const stream = await connect(server, world, world.users.ann);
    for (const n of [1, 2, 3, 4]) await addRecord(server, world.endpointId, undefined, JSON.stringify({ n }));
    await stream.take(2);
    await server.tick();
    expect(toData(stream)).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it("[W29] [W13] both rules and the function decide, and a filter sees the rest without hidden fields, in the order of the log", async () => {
    const world = await createWorld("({ record }) => record.data.n % 3 !== 0");
    await setRules(server, world, { read: "data.n > 10", hide: ["secret"] });
    const stream = await connect(
      server,
      world,
      world.users.ann,
      `&jsonata=${encodeURIComponent("$not($exists(data.secret)) and data.n % 2 = 0")}`,
    );
    const writes = Array.from({ length: 60 }, (_, n) => ({
      type: "POST" as const,
      id: createUniqueId(),
      contentType: "json" as const,
      data: JSON.stringify({ n, secret: 1 }),
    }));
    for (let start = 0; start < writes.length; start += 7) await server.records.commit(world.endpointId, writes.slice(start, start + 7));
    const expected = writes.map((_, n) => ({ n })).filter(({ n }) => n > 10 && n % 3 !== 0 && n % 2 === 0);
    await until("all have arrived", () => stream.texts.length >= expected.length);
    expect(toData(stream)).toEqual(expected);
    const shown = await readAs(server, world, toCaller("ann", world.users.ann));
    expect([...shown.values()].map((text) => JSON.parse(text).data).filter(({ n }) => n % 2 === 0)).toEqual(expected);
  });
});
