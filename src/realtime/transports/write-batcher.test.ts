/** The turns in which queued frames are sent: each subscriber once, first in first out, short turns, and a fair order of accounts and endpoints. */
import { setImmediate as nextTick } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWriteBatcher, type Lane } from "./write-batcher";

const LANE: Lane = { ownerId: "ada", endpointId: "notes" };
/** More than one slice. */
const MANY = 100;

/** A batcher for which each flush takes `flushMs`, and the names of the subscribers in the order in which they were flushed. */
function setUp(flushMs = 0) {
  let now = 0;
  const flushed: string[] = [];
  const batcher = createWriteBatcher({ now: () => now });
  const schedule = (name: string, lane = LANE) => batcher.schedule(subscriberOf(name), lane);
  const subscribers = new Map<string, { flush(): void }>();
  const subscriberOf = (name: string) => {
    const known = subscribers.get(name) ?? {
      flush: () => {
        now += flushMs;
        flushed.push(name);
      },
    };
    subscribers.set(name, known);
    return known;
  };
  /** Takes turns until one flushes nothing, and returns what each flushed. `busyMs` passes before each. */
  const takeTurns = async (busyMs = 0): Promise<string[][]> => {
    const turns: string[][] = [];
    for (;;) {
      now += busyMs;
      const before = flushed.length;
      await nextTick();
      if (flushed.length === before) return turns;
      turns.push(flushed.slice(before));
    }
  };
  return { schedule, takeTurns };
}

function toNames(count: number, prefix = ""): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe("createWriteBatcher", () => {
  it("[W7] flushes each subscriber once in the turn in which it was scheduled, in order, if the time suffices", async () => {
    const { schedule, takeTurns } = setUp();
    for (const name of [...toNames(MANY), ...toNames(MANY)]) schedule(name);
    expect(await takeTurns()).toEqual([toNames(MANY)]);
  });

  it("[W7] ends a turn when its time is over, and goes on where it stopped", async () => {
    const { schedule, takeTurns } = setUp(0.1);
    for (const name of toNames(MANY)) schedule(name);
    const turns = await takeTurns();
    expect(turns.flat()).toEqual(toNames(MANY));
    // A slice of 32 takes more than the 2 ms of a turn.
    expect(turns.map((turn) => turn.length)).toEqual([32, 32, 32, 4]);
  });

  it("[W7] takes longer turns while the event loop is busy with other work, up to 8 ms", async () => {
    const { schedule, takeTurns } = setUp(0.1);
    for (const name of toNames(300)) schedule(name);
    expect((await takeTurns(5)).map((turn) => turn.length)).toEqual([32, 64, 64, 64, 64, 12]);
    for (const name of toNames(300)) schedule(name);
    expect((await takeTurns(1_000)).map((turn) => turn.length)).toEqual([32, 96, 96, 76]);
  });

  it("[W7] takes long turns while subscribers get more than they are sent", async () => {
    let now = 0;
    let flushed = 0;
    const batcher = createWriteBatcher({ now: () => now });
    const schedule = (frames: readonly Buffer[]) => {
      const flush = () => {
        now += 0.125;
        flushed++;
        batcher.join(frames);
      };
      batcher.schedule({ flush }, LANE);
    };
    const measureTurns = async (frames: readonly Buffer[]): Promise<number[]> => {
      for (let n = 0; n < 1_000; n++) schedule(frames);
      const turns: number[] = [];
      for (flushed = 0; turns.reduce((sum, turn) => sum + turn, 0) < 1_000; ) {
        const before = flushed;
        await nextTick();
        turns.push(flushed - before);
      }
      return turns;
    };
    const large = Buffer.alloc(20_000);
    // Nor do large writes to one subscriber each, such as those of replays.
    for (let n = 0; n < 3; n++) batcher.join([Buffer.alloc(20_000), large]);
    expect((await measureTurns([large])).every((turn) => turn <= 32)).toBe(true);
    // A large frame alone shows nothing.
    expect((await measureTurns([large])).every((turn) => turn <= 32)).toBe(true);
    // The turn after one with large writes is as long as 512 flushes.
    expect(await measureTurns([large, large])).toEqual([32, 512, 456]);
    expect((await measureTurns([large])).every((turn) => turn <= 32)).toBe(true);
  });

  it("[W7] flushes subscribers that are scheduled again after those that wait", async () => {
    const { schedule, takeTurns } = setUp(0.1);
    for (const name of toNames(64)) schedule(name);
    await nextTick();
    for (const name of toNames(64)) schedule(name);
    expect((await takeTurns()).flat()).toEqual([...toNames(64).slice(32), ...toNames(32)]);
  });

  it("[W7] lets an endpoint with few subscribers, and an account with few, wait for one slice of the others only", async () => {
    const { schedule, takeTurns } = setUp(0.1);
    for (const name of toNames(MANY, "big ")) schedule(name);
    schedule("small endpoint", { ownerId: "ada", endpointId: "tasks" });
    for (const endpointId of toNames(MANY)) schedule(`other ${endpointId}`, { ownerId: "bob", endpointId });
    schedule("small account", { ownerId: "eve", endpointId: "notes" });
    const flushed = (await takeTurns()).flat();
    expect(flushed).toHaveLength(2 * MANY + 2);
    expect(flushed.slice(0, 32)).toEqual(toNames(32, "big "));
    expect(flushed.slice(32, 35)).toEqual(["other 0", "small account", "small endpoint"]);
  });

  it("[W7] flushes everything that is scheduled, whatever the order, once each time", async () => {
    const step = fc.record({ name: fc.integer({ min: 0, max: 200 }), lane: fc.integer({ min: 0, max: 5 }), takesTurn: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 300 }), fc.constantFrom(0, 0.1, 3), async (steps, flushMs) => {
        const waiting = new Set<string>();
        let now = 0;
        const batcher = createWriteBatcher({ now: () => now });
        const subscribers = new Map<string, { flush(): void }>();
        for (const { name: number, lane, takesTurn } of steps) {
          const name = `${lane} ${number}`;
          const subscriber = subscribers.get(name) ?? {
            flush: () => {
              now += flushMs;
              expect(waiting.delete(name)).toBe(true);
            },
          };
          subscribers.set(name, subscriber);
          waiting.add(name);
          batcher.schedule(subscriber, { ownerId: `${lane % 2}`, endpointId: `${lane}` });
          if (takesTurn) await nextTick();
        }
        // Each turn flushes at least one.
        for (let turn = 0; turn < steps.length && waiting.size > 0; turn++) await nextTick();
        expect(waiting.size).toBe(0);
      }),
    );
  });

  it("shares the copies of the frames of several formats", () => {
    const batcher = createWriteBatcher();
    const [a, b] = [
      [Buffer.from("1"), Buffer.from("2")],
      [Buffer.from("3"), Buffer.from("4")],
    ];
    const [ofA, ofB] = [batcher.join([...a]), batcher.join([...b])];
    expect([ofA.toString(), ofB.toString()]).toEqual(["12", "34"]);
    expect(batcher.join([...a])).toBe(ofA);
    expect(batcher.join([...b])).toBe(ofB);
  });
});
