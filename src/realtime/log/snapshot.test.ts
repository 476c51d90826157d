/** Failures during a snapshot (W11), with pages and a log that the test controls. The rest is in tests/contract/realtime/log/snapshot.test.ts. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { SnapshotPage, SnapshotReader } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { EPOCH, createMemoryHub as setUp, toGrant } from "@/tests/support/memory/memory-hub";
import { createMemorySink } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Start } from "../hub/session";

type Read = SnapshotReader["readPage"];

/** Returns a page for each seq, up to `upto`, and calls `before` for each one. */
function createPages(before: (after: number) => void | Promise<void> = () => undefined): { readPage: Read; asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    readPage: async (_, { after, upto }): Promise<SnapshotPage> => {
      asked.push(after);
      await before(after);
      const nextAfter = after + 1 < upto ? after + 1 : undefined;
      return { items: `{"uniqueId":"${after + 1}"}`, changed: [], at: { epoch: EPOCH, seq: upto }, nextAfter };
    },
  };
}

async function subscribe(
  pages: { readPage: Read },
  { start = { mode: "now", snapshot: true }, count = 3 }: { start?: Start; count?: number } = {},
) {
  const memory = setUp({ snapshots: pages });
  memory.log.commit(count);
  const sink = createMemorySink();
  const { hub, log } = memory;
  const subscription = await hub.subscribe({ grant: toGrant(log), start, transport: "ws", address: "", connect: () => sink });
  return { ...memory, sink, subscription, types: () => sink.messages().map(({ type }) => type) };
}

function createHold(): { held: Promise<void>; goOn: () => void } {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { held, goOn: () => release() };
}

const isLive = ({ hub }: Pick<ReturnType<typeof setUp>, "hub">) => {
  const [connection] = [...hub.connections()];
  return connection !== undefined && connection.replayedTo === undefined;
};

describe("a snapshot", () => {
  it("[W11] continues when the database is back, and sends no part twice", async () => {
    let isAway = true;
    const pages = createPages((after) => {
      if (after === 1 && isAway) throw new AppError("database_unavailable");
    });
    const world = await subscribe(pages);
    await nextTick();
    await world.hub.poll();
    isAway = false;
    await world.hub.poll();
    await until("it is complete", () => isLive(world));
    await nextTick();
    expect(world.types()).toEqual(["READY", "SNAPSHOT", "SNAPSHOT", "SNAPSHOT"]);
    expect(pages.asked).toEqual([0, 1, 1, 1, 2]);
  });

  it("[W11] sends no heartbeat, which would have a cursor, before it is complete", async () => {
    const { held, goOn } = createHold();
    const world = await subscribe(createPages((after) => (after === 1 ? held : undefined)));
    world.subscription?.sendHeartbeat();
    await nextTick();
    expect(world.types()).toEqual(["READY", "SNAPSHOT"]);
    goOn();
    await until("it is complete", () => isLive(world));
    world.subscription?.sendHeartbeat();
    await nextTick();
    expect(world.types()).toEqual(["READY", "SNAPSHOT", "SNAPSHOT", "SNAPSHOT", "BEAT"]);
  });

  it.each([
    ["of another epoch", { epoch: "1".repeat(32), seq: 9 }],
    ["that is shorter", { epoch: EPOCH, seq: 2 }],
  ])("[W17] ends with 1013 if a page is of a log %s", async (_, at) => {
    const pages = createPages();
    const readPage: Read = async (id, range) => {
      const page = await pages.readPage(id, range);
      return page && range.after === 1 ? { ...page, at } : page;
    };
    const world = await subscribe({ readPage });
    await until("it has ended", () => world.sink.endedBy());
    expect(world.sink.endedBy()?.entry.close).toBe(1013);
    expect(world.types()).toEqual(["READY", "SNAPSHOT"]);
    expect([...world.hub.connections()]).toEqual([]);
  });

  it("[W17] ends with 1013 if the tailer reports that the log was replaced", async () => {
    const world = await subscribe(createPages((after) => (after === 1 ? new Promise<void>(() => undefined) : undefined)));
    world.log.replace({ epoch: "1".repeat(32), seq: 5 });
    await world.hub.poll();
    expect(world.sink.endedBy()?.code).toBe("database_unavailable");
  });

  it.each<[string, Start, string[], string | undefined]>([
    ["since=now receives a GAP", { mode: "now", snapshot: true }, ["READY", "SNAPSHOT", "SNAPSHOT", "SNAPSHOT", "GAP"], undefined],
    ["no since ends with 1013", { mode: "plain", snapshot: true }, ["SNAPSHOT", "SNAPSHOT", "SNAPSHOT"], "slow_consumer"],
  ])("[W10] [W17] if changes expired during the snapshot, a stream with %s", async (_, start, types, code) => {
    const { held, goOn } = createHold();
    const world = await subscribe(
      createPages((after) => (after === 2 ? held : undefined)),
      { start },
    );
    world.log.commit(4);
    world.log.trim(7);
    await world.hub.poll();
    goOn();
    await until("it is through", () => isLive(world) || world.sink.endedBy());
    await nextTick();
    expect(world.types()).toEqual(types);
    expect(world.sink.endedBy()?.code).toBe(code);
  });
});
