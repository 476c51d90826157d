/** Tests that a change which many judges decide about does not block the event loop (W29.12). */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createMemoryHub, toGrant } from "@/tests/support/memory/memory-hub";
import { createMemoryJudge } from "@/tests/support/memory/memory-judge";
import { createMemorySink, type MemorySink } from "@/tests/support/memory/memory-sink";
import { FEED_TURN_MS } from "./feed-turns";

/** Streams with a judge each, whose verdicts take a millisecond of a clock that only they move. */
async function openStreams(count: number) {
  let now = 0;
  const memory = createMemoryHub({ now: () => now });
  const allows = () => {
    now += 1;
    return true;
  };
  const sinks: MemorySink[] = [];
  for (let index = 0; index < count; index += 1) {
    const sink = createMemorySink();
    const grant = toGrant(memory.log, { judge: createMemoryJudge({ identity: String(index), allows }) });
    const options = { grant, start: { mode: "plain" }, transport: "ws", address: "127.0.0.1", connect: () => sink } as const;
    await memory.hub.subscribe(options);
    sinks.push(sink);
  }
  await nextTurn();
  return { ...memory, counts: () => sinks.map((sink) => sink.messages().length), sinks, evaluated: () => now };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

describe("a change that many judges decide about", () => {
  it("[W29] is evaluated in turns of the event loop, and the first streams do not wait", async () => {
    const { log, publish, evaluated, counts } = await openStreams(50);
    publish(log.commit(1));
    const turns = [evaluated()];
    while (evaluated() < 50 && turns.length < 50) {
      await nextTurn();
      turns.push(evaluated());
    }
    expect(turns).toEqual(Array.from({ length: Math.ceil(50 / FEED_TURN_MS) }, (_, turn) => Math.min(FEED_TURN_MS * (turn + 1), 50)));
    await nextTurn();
    expect(counts()).toEqual(Array(50).fill(1));
  });

  it("[W29] further changes keep their order for every stream", async () => {
    const { log, publish, sinks, counts, evaluated } = await openStreams(30);
    const first = log.commit(1);
    publish(first);
    publish(log.commit(2));
    await nextTurn();
    publish(log.commit(1));
    while (evaluated() < 120) await nextTurn();
    await nextTurn();
    expect(sum(counts())).toBe(120);
    const seen = sinks.map((sink) => sink.messages().map(({ record }) => record?.uniqueId));
    for (const ids of seen) expect(ids).toEqual([...ids].toSorted());
    expect(new Set(seen.map((ids) => ids.join())).size).toBe(1);
  });
});
