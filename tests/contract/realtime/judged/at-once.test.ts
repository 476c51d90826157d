/** Access that ends while streams are opened, replayed and sent changes (W6, W29): after the next poll, no stream of any node delivers what a GET refuses. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StreamClient } from "@/tests/support/clients/stream-client";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { addEndpoint, addRecord, createSecureWorld, type SecureWorld } from "@/tests/support/servers/secure-world";
import { until } from "@/tests/support/until";
import { readAs, setRules, setUserData, toCaller } from "./judged-world";

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

const setFunction = ({ endpointId }: SecureWorld, source: string) =>
  server.pool.query(`UPDATE "Endpoint" SET "accessFunction" = $2 WHERE id = $1`, [endpointId, source]);
const putData = async (endpointId: string, id: string, data: object) => {
  await server.records.commit(endpointId, [{ type: "PUT", id, contentType: "json", data: JSON.stringify(data) }]);
};

/** Each sets up a world in which ann may read red records, and returns how that ends. Open ones stay readable. */
const ENDINGS: Readonly<Record<string, (world: SecureWorld) => Promise<() => Promise<unknown>>>> = {
  "the user's own record changes": async (world) => {
    await setUserData(server, world.users.ann, { room: "red" });
    await setRules(server, world, { read: "data.room = @user.data.room | data.isOpen = true" });
    return () => setUserData(server, world.users.ann, { room: "blue" });
  },
  "the rules change": async (world) => {
    await setRules(server, world, { read: 'data.room = "red" | data.isOpen = true' });
    return () => setRules(server, world, { read: "data.isOpen = true" });
  },
  "the endpoint gets its first rules": async (world) => () => setRules(server, world, { read: "data.isOpen = true" }),
  "the rules close, and the switches are open": async (world) => {
    await setRules(server, world, { hide: ["secret"] });
    return () =>
      Promise.all([
        setRules(server, world, { read: "data.isOpen = true", hide: ["secret"] }),
        server.pool.query(`UPDATE "Endpoint" SET "othersCanRead" = false WHERE id = $1`, [world.endpointId]),
      ]);
  },
  "the function changes": async (world) => {
    await setFunction(world, "() => true");
    return () => setFunction(world, "({ record }) => record.data.isOpen === true");
  },
  "a record that the function finds by id changes": async (world) => {
    const roomsId = await addEndpoint(server, { projectId: world.projectId, name: "rooms/of-test" });
    const room = await addRecord(server, roomsId, undefined, JSON.stringify({ members: [world.users.ann.id] }));
    await setFunction(
      world,
      `async ({ record, user, find }) => {
        const [room] = await find("rooms/of-test", { uniqueId: "${room}" });
        return record.data.isOpen === true || room.data.members.includes(user.uniqueId);
      }`,
    );
    return () => putData(roomsId, room, { members: [] });
  },
  "a record appears that the function finds by a filter": async (world) => {
    const bansId = await addEndpoint(server, { projectId: world.projectId, name: "bans/of-test" });
    await setFunction(
      world,
      `async ({ record, user, find }) => {
        const bans = await find("bans/of-test", { filter: 'user = "' + user.uniqueId + '"' });
        return record.data.isOpen === true || bans.length === 0;
      }`,
    );
    return () => addRecord(server, bansId, undefined, JSON.stringify({ user: world.users.ann.id }));
  },
  "a record of the endpoint itself changes that the function finds": async (world) => {
    const room = await addRecord(server, world.endpointId, undefined, JSON.stringify({ members: [world.users.ann.id], isOpen: true }));
    await setFunction(
      world,
      `async ({ record, user, find }) => {
        const [room] = await find("things/of-test", { uniqueId: "${room}" });
        return record.data.isOpen === true || room.data.members.includes(user.uniqueId);
      }`,
    );
    return () => putData(world.endpointId, room, { members: [], isOpen: true });
  },
};

const MODES = ["", "&since=now", "&since=now&snapshot=true"];

describe.each(Object.entries(ENDINGS))("when %s", (_, prepare) => {
  it("[W6] [W29] streams that are open, that open meanwhile and that resume deliver nothing of it after the next poll", async () => {
    const world = await createSecureWorld(server, { secure: true, othersCanRead: true });
    const end = await prepare(world);
    const { ann } = world.users;
    const caller = toCaller("ann", ann);
    const add = (data: object) => addRecord(server, world.endpointId, world.users.bob.id, JSON.stringify({ n: 1, ...data }));
    const tick = async () => {
      await server.tick();
      await other.tick();
    };
    const connect = (at: RealtimeServer, query: string) =>
      at.connect(`${world.path}?key=${world.keys.both}${query}`, { headers: caller.headers });
    const openAll = () => Promise.all([server, other].flatMap((at) => MODES.map((mode) => connect(at, mode))));
    await tick();
    const before = await openAll();
    await add({ room: "red", first: true });
    await tick();
    await Promise.all(before.map((stream) => until("the first one arrives", () => stream.texts.some((text) => text.includes("first")))));
    const first = JSON.parse(before[1]?.texts[0] ?? "").cursor;

    const [, meanwhile, resumed] = await Promise.all([
      end(),
      openAll(),
      Promise.all([server, other].map((at) => connect(at, `&since=${first}`))),
      ...[1, 2, 3].map(() => add({ room: "red" })),
    ]);
    await tick();
    await tick();
    expect([...(await readAs(server, world, caller)).values()].filter((text) => text.includes('"red"'))).toEqual([]);

    await add({ room: "red", probe: true });
    await add({ isOpen: true, marker: true });
    await tick();
    const late = await Promise.all([server, other].flatMap((at) => [connect(at, `&since=${first}`), connect(at, "&snapshot=true")]));
    const all = [...before, ...meanwhile, ...resumed, ...late];
    const isDone = ({ webSocket, texts }: StreamClient) =>
      webSocket.readyState === webSocket.CLOSED || texts.some((text) => text.includes("marker"));
    await Promise.all(all.map((stream) => until("it is closed, or has what came after", () => isDone(stream))));
    expect(all.flatMap(({ texts }) => texts.filter((text) => text.includes("probe")))).toEqual([]);
    // Those that were opened afterwards have nothing of before either.
    expect(late.flatMap(({ texts }) => texts.filter((text) => text.includes('"red"')))).toEqual([]);
    expect(late.every(({ texts }) => texts.some((text) => text.includes("marker")))).toBe(true);
  }, 60_000);
});
