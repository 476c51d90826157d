/** The queues of slow clients have a common limit. Above it, clients of the account with the largest backlog are disconnected. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createQueuePressure } from "./queue-pressure";

function setUp(streams: [ownerId: string, backlogBytes: number][], heldBytes = Number.POSITIVE_INFINITY) {
  const cut: string[] = [];
  let lists = 0;
  const pressure = createQueuePressure({
    bytesMax: 1_000,
    list: () => {
      lists += 1;
      return streams.map(([ownerId, backlogBytes]) => ({ ownerId, backlogBytes, cutOff: () => cut.push(`${ownerId} ${backlogBytes}`) }));
    },
    readHeldBytes: () => heldBytes,
  });
  return { pressure, cut, lists: () => lists };
}

describe("createQueuePressure", () => {
  it("[W24] disconnects nobody within the limit", () => {
    const { pressure, cut } = setUp([
      ["a", 600],
      ["b", 400],
    ]);
    pressure.check();
    expect(cut).toEqual([]);
  });

  it("[W24] over the limit, disconnects the largest streams of the account that holds the most, until a fifth is free; others continue", () => {
    const { pressure, cut } = setUp([
      ["small", 350],
      ["big", 100],
      ["big", 300],
      ["big", 200],
      ["big", 0],
      ["big", 150],
    ]);
    pressure.check();
    expect(cut).toEqual(["big 300"]);
  });

  it("[W24] counts shared frames once: a change that is sent to thousands is in memory once", () => {
    const { pressure, cut } = setUp(
      Array.from({ length: 1_000 }, () => ["a", 100] as [string, number]),
      900,
    );
    pressure.check();
    expect(cut).toEqual([]);
  });

  it("[W24] measures by itself after many bytes were queued, once per turn", async () => {
    const { pressure, cut, lists } = setUp([["a", 1_500]]);
    for (let i = 0; i < 124; i++) pressure.note(1);
    await nextTurn();
    expect(lists()).toBe(0);
    for (let i = 0; i < 500; i++) pressure.note(1);
    await nextTurn();
    expect(lists()).toBe(1);
    expect(cut).toEqual(["a 1500"]);
  });
});
