/** What waits for slow clients in all has a bound; those of whoever holds the most go first. */
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
  it("[W24] cuts nobody off within the bound", () => {
    const { pressure, cut } = setUp([
      ["a", 600],
      ["b", 400],
    ]);
    pressure.check();
    expect(cut).toEqual([]);
  });

  it("[W24] beyond it cuts off the largest of the account that holds the most, until a fifth is free; the others' go on", () => {
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

  it("[W24] counts what queues share once: frames of a change that goes to thousands are held once", () => {
    const { pressure, cut } = setUp(
      Array.from({ length: 1_000 }, () => ["a", 100] as [string, number]),
      900,
    );
    pressure.check();
    expect(cut).toEqual([]);
  });

  it("[W24] measures by itself after much has piled up, once a turn", async () => {
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
