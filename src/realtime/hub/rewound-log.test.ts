/** Cursors of changes that the log no longer has, because it lost its end in a restore or a failover and has grown since (W26). */
import { setImmediate as nextTick } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCursor, parseCursor } from "@/src/shared/streams/cursor";
import { createMemoryHub, EPOCH, type MemoryHub, toGrant, toPrivateGrant, toStart } from "@/tests/support/memory/memory-hub";
import { proofAt } from "@/tests/support/memory/memory-log";
import { createMemorySink, type MemorySink } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Start } from "./session";

const cursorOf = (seq: number, history = 0) => formatCursor({ epoch: EPOCH, seq, proof: proofAt(seq, history) });

async function open({ hub, log }: MemoryHub, start: Start, grant = toGrant(log)): Promise<MemorySink> {
  const sink = createMemorySink();
  await hub.subscribe({ grant, start, transport: "ws", address: "127.0.0.1", connect: () => sink });
  await nextTick();
  return sink;
}

const at = (cursor: string): Start => ({ mode: "after", cursor: parseCursor(cursor) ?? { epoch: "", seq: 0 } });
const heard = (sink: MemorySink) =>
  sink
    .messages()
    .map(({ type, cursor = "", reason }) => [type, parseCursor(cursor)?.seq, ...(reason === undefined ? [] : [reason])].join(" "));

describe("a log that lost its end and has grown past it", () => {
  it.each([
    { what: "behind its end", seq: 9 },
    { what: "at its end", seq: 12 },
  ])("[W26] a cursor $what that belongs to another change: GAP to the end, then live", async ({ seq }) => {
    const memory = createMemoryHub();
    memory.log.commit(12);
    memory.log.replace({ seq: 12, from: 7 });
    const sink = await open(memory, toStart(seq));
    memory.publish(memory.log.commit(1));
    await nextTick();
    expect(heard(sink)).toEqual([`READY ${seq}`, "GAP 12 log_rewound", "POST 13"]);
    expect(sink.messages()[1]).toMatchObject({ from: cursorOf(seq), to: cursorOf(12, 1), cursor: cursorOf(12, 1) });
  });

  it("[W26] a cursor of a change that the log still has: all later changes, and no GAP", async () => {
    const memory = createMemoryHub();
    memory.log.commit(9);
    memory.log.replace({ seq: 9, from: 7 });
    expect(heard(await open(memory, toStart(7)))).toEqual(["READY 7", "POST 8", "POST 9"]);
  });

  it("[W26] accepts a cursor without a proof, as older versions sent it; the next cursor has a proof", async () => {
    const memory = createMemoryHub();
    memory.log.commit(9);
    const sink = await open(memory, { mode: "after", cursor: { epoch: EPOCH, seq: 8 } });
    const [ready, change] = sink.messages();
    expect(ready?.cursor).toBe(`${EPOCH}-8`);
    expect(change?.cursor).toBe(cursorOf(9));
  });

  it("[W26] a cursor from before the first change has nothing to prove", async () => {
    const memory = createMemoryHub();
    memory.log.commit(3);
    memory.log.replace({ seq: 3, from: 0 });
    expect(heard(await open(memory, toStart(0)))).toEqual(["READY 0", "POST 1", "POST 2", "POST 3"]);
  });

  it("[W26] the change of the cursor has just expired and all later ones are kept: no GAP, unless it was another change", async () => {
    const memory = createMemoryHub();
    memory.log.commit(5);
    memory.log.trim(4);
    expect(heard(await open(memory, toStart(4)))).toEqual(["READY 4", "POST 5"]);
    expect(heard(await open(memory, at(cursorOf(4, 7))))).toEqual(["READY 4", "GAP 5 log_rewound"]);
  });

  it("[W10] all changes have expired: no GAP for a client that is up to date", async () => {
    const memory = createMemoryHub();
    memory.log.commit(5);
    memory.log.trim(5);
    expect(heard(await open(memory, toStart(5)))).toEqual(["READY 5"]);
  });

  it("[W26] streams that were open meanwhile get a GAP at the next poll, also those of users that read only their own records", async () => {
    const memory = createMemoryHub();
    memory.publish(memory.log.commit(9, { owner: "ann" }));
    const all = await open(memory, { mode: "now" });
    const own = await open(memory, { mode: "now" }, toPrivateGrant(memory.log, "ann"));
    memory.log.replace({ seq: 12, from: 7 });
    await memory.hub.poll();
    await nextTick();
    expect(heard(all)).toEqual(["READY 9", "GAP 12 log_rewound"]);
    expect(heard(own)).toEqual(["READY 9", "GAP 12 log_rewound"]);
    expect(all.messages()[1]?.cursor).toBe(cursorOf(12, 1));
  });

  it("[W26] a user's cursor that belongs to another user's change is compared as well", async () => {
    const memory = createMemoryHub();
    memory.log.commit(3, { owner: "ann" });
    memory.log.commit(6, { owner: "ben" });
    const grant = toPrivateGrant(memory.log, "ann");
    const replayed = await open(memory, toStart(0), grant);
    await memory.hub.poll();
    expect(heard(replayed)).toEqual(["READY 0", "POST 1", "POST 2", "POST 3"]);
    expect(heard(await open(memory, toStart(8), grant))).toEqual(["READY 8"]);
    memory.log.replace({ seq: 12, from: 5 });
    expect(heard(await open(memory, toStart(8), grant))).toEqual(["READY 8", "GAP 12 log_rewound"]);
  });

  it("[W26] whatever is lost and written, a client gets a GAP exactly if changes that it had are lost", async () => {
    const scenario = fc.record({
      had: fc.integer({ min: 1, max: 20 }),
      more: fc.integer({ min: 0, max: 20 }),
      kept: fc.integer({ min: 0, max: 20 }),
      written: fc.integer({ min: 1, max: 40 }),
      isOpen: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ had, more, kept, written, isOpen }) => {
        const memory = createMemoryHub();
        memory.publish(memory.log.commit(had));
        const live = isOpen ? await open(memory, toStart(0)) : undefined;
        await memory.hub.poll();
        const from = Math.min(kept, had + more);
        memory.log.commit(more);
        memory.log.replace({ seq: from + written, from });
        const sink = live ?? (await open(memory, toStart(had)));
        await memory.hub.poll();
        await until("the end of the log", () => sink.messages().at(-1)?.cursor === cursorOf(from + written, 1));
        const gaps = sink.messages().filter(({ type }) => type === "GAP");
        expect(gaps.map(({ reason }) => reason)).toEqual(from < had ? ["log_rewound"] : []);
      }),
      { numRuns: 200 },
    );
  });
});
