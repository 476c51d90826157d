/** The stored list of this server's streams: only changes are written, in slices. */
import { describe, expect, it } from "vitest";
import type { ListedStream, OpenStreamStore } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import type { Connection } from "./connection";
import { createStreamRegistry } from "./stream-registry";

function toConnection(id: string, changes: Partial<Connection> = {}): Connection {
  return {
    ...{ id, transport: "ws", endpointId: "endpoint", endpointName: "some/endpoint", projectId: "project", keyId: "key" },
    ...{ userId: null, onlyOwner: undefined, filter: undefined, origin: undefined, openedAt: new Date(0), openedSeq: 0 },
    ...{ resumable: false, isJudged: false, replayedTo: undefined, backlogBytes: 0, ...changes },
  };
}

interface Writes {
  added: readonly ListedStream[];
  moved: readonly ListedStream[];
  removed: readonly string[];
}

function setUp() {
  const open = new Map<string, Connection>();
  const world = {
    writes: [] as Writes[],
    asked: [] as string[],
    ended: [] as string[],
    failure: undefined as Error | undefined,
    isNew: false,
  };
  const store: OpenStreamStore = {
    heartbeat: async () => ({ isNew: world.isNew }),
    write: async (_, changes) => {
      if (world.failure) throw world.failure;
      world.writes.push(changes);
    },
    findEndRequested: async () => world.asked,
    remove: async () => undefined,
  };
  const hub = {
    connections: () => open.values(),
    end: (id: string) => {
      world.ended.push(id);
      return open.delete(id);
    },
  };
  const streamRegistry = createStreamRegistry({ hub, store });
  /** The number of streams that a call wrote, by kind of change. */
  const sync = async () => {
    world.writes = [];
    await streamRegistry.sync();
    return world.writes.map(({ added, moved, removed }) => [added.length, moved.length, removed.length]);
  };
  return { open, world, sync, streamRegistry };
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `stream ${index}`);

describe("createStreamRegistry", () => {
  it("[G16] writes streams that are new, have moved or have ended, and none twice", async () => {
    const { open, world, sync } = setUp();
    expect(await sync()).toEqual([]);
    for (const id of ids(3)) open.set(id, toConnection(id));
    expect(await sync()).toEqual([[3, 0, 0]]);
    expect(await sync()).toEqual([]);
    open.set("stream 1", toConnection("stream 1", { backlogBytes: 100_000, replayedTo: 7 }));
    expect(await sync()).toEqual([[0, 1, 0]]);
    expect(world.writes[0]?.moved[0]).toMatchObject({ id: "stream 1", replayedTo: 7, queueBytes: 98_304 });
    open.delete("stream 0");
    expect(await sync()).toEqual([[0, 0, 1]]);
    open.clear();
    expect(await sync()).toEqual([[0, 0, 2]]);
    expect(await sync()).toEqual([]);
  });

  it("[G16] gives the event loop a turn after each thousand streams, which can open and end meanwhile", async () => {
    const { open, sync } = setUp();
    for (const id of ids(5_500)) open.set(id, toConnection(id));
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns += 1;
      if (turns === 2) open.delete("stream 5400");
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    expect(await sync()).toEqual([...Array.from({ length: 5 }, () => [1_000, 0, 0]), [499, 0, 0]]);
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(await sync()).toEqual([]);
  });

  it("[G16] writes again after a failure, and after the server was removed from the store", async () => {
    const { open, world, sync } = setUp();
    for (const id of ids(2)) open.set(id, toConnection(id));
    world.failure = new AppError("database_unavailable");
    await expect(sync()).rejects.toMatchObject({ code: "database_unavailable" });
    world.failure = undefined;
    expect(await sync()).toEqual([[2, 0, 0]]);
    open.delete("stream 0");
    world.failure = new AppError("database_unavailable");
    await expect(sync()).rejects.toMatchObject({ code: "database_unavailable" });
    world.failure = undefined;
    expect(await sync()).toEqual([[0, 0, 1]]);
    world.isNew = true;
    const written = [];
    for (let call = 0; call < 4; call++) written.push(...(await sync()));
    expect(written).toEqual([[1, 0, 0]]);
  });

  it("[G16] ends the streams whose end was requested", async () => {
    const { open, world, sync } = setUp();
    open.set("a", toConnection("a"));
    world.asked = ["a", "gone"];
    await sync();
    expect(world.ended).toEqual(["a", "gone"]);
  });
});
