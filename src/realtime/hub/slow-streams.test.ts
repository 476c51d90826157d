/** Slow clients (W7): a resumable stream continues from the log; a plain one, or one that reads nothing, is ended. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Grant } from "@/src/core/access/access";
import { parseCursor } from "@/src/shared/streams/cursor";
import { EPOCH, createMemoryHub as setUp, toGrant, toPrivateGrant } from "@/tests/support/memory/memory-hub";
import { createMemoryLog, type MemoryLog } from "@/tests/support/memory/memory-log";
import { createMemorySink, type StreamMessage } from "@/tests/support/memory/memory-sink";
import { until } from "@/tests/support/until";
import type { Hub, HubOptions } from "./hub";
import type { Start } from "./session";

async function subscribe(hub: Hub, log: MemoryLog, start: Start = { mode: "plain" }, grant: Partial<Grant> = {}) {
  const sink = createMemorySink();
  const connect = () => sink;
  const subscription = await hub.subscribe({ grant: toGrant(log, grant), start, transport: "ws", address: "127.0.0.1", connect });
  if (!subscription) throw new Error("not subscribed");
  return { sink, subscription };
}

const range = (from: number, to: number) => Array.from({ length: Math.max(to - from + 1, 0) }, (_, index) => from + index);

/** Shortens messages: a change to its seq, any other message to its type and cursor. */
function brief(messages: readonly StreamMessage[]): (number | string)[] {
  return messages.map((message) =>
    message.record ? Number.parseInt(message.record.uniqueId, 16) : `${message.type} ${parseCursor(message.cursor ?? "")?.seq}`,
  );
}

describe("slow streams", () => {
  it("[W7] [W9] a slow resumable subscriber continues from the log and receives everything, once, in order", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000 });
    const { sink } = await subscribe(hub, log, { mode: "now" });
    sink.stall();
    for (let i = 0; i < 50; i++) {
      publish(log.commit(1, { bytes: 1_000 }));
      await nextTick();
      expect(sink.unsentBytes()).toBeLessThanOrEqual(10_000);
    }
    expect([...hub.connections()][0]?.replayedTo).toBeLessThan(10);
    for (let round = 0; sink.messages().length < 51; round++) {
      expect(round).toBeLessThan(1_000);
      sink.take(700);
      await nextTick();
    }
    sink.drain();
    expect(brief(sink.messages())).toEqual(["READY 0", ...range(1, 50)]);
    await until("it is live", () => [...hub.connections()][0]?.replayedTo === undefined);
    publish(log.commit(1));
    await nextTick();
    expect(brief(sink.messages()).at(-1)).toBe(51);
  });

  it("[W7] [W15] a slow user continues from where the log was read, not from its own last change, which may have expired", async () => {
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000 });
    const { sink } = await subscribe(hub, log, { mode: "now" }, toPrivateGrant(log, "ann"));
    publish(log.commit(1, { owner: "ann" }));
    const all = await subscribe(hub, log);
    publish(log.commit(500, { owner: "bob" }));
    await until("the log was looked through", () => all.sink.messages().length === 500);
    log.trim(500);
    sink.stall();
    for (let i = 0; i < 20; i++) publish(log.commit(1, { owner: "ann", bytes: 1_000 }));
    await nextTick();
    expect([...hub.connections()][0]?.replayedTo).toBeGreaterThan(500);
    all.subscription.closed();
    await until("all of it", () => {
      sink.drain();
      return sink.messages().length === 22;
    });
    expect(brief(sink.messages())).toEqual(["READY 0", 1, ...range(502, 521)]);
  });

  it("[W7] ends a stream that is behind and takes no bytes for 30 s, but not one that takes a few, nor because the server stood still", async () => {
    const { log, hub, publish, setNow } = setUp({ queueBytesMax: 10_000 });
    const [stalled, reading] = [await subscribe(hub, log, { mode: "now" }), await subscribe(hub, log, { mode: "now" })];
    for (const { sink } of [stalled, reading]) sink.stall();
    publish(log.commit(20, { bytes: 1_000 }));
    await until("both are behind", () => [...hub.connections()].every(({ replayedTo }) => replayedTo !== undefined));
    let seconds = 0;
    const pass = async (step: number) => {
      seconds += step;
      setNow(new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1_000));
      reading.sink.take(1);
      await hub.poll();
    };
    await pass(0);
    await pass(3_600);
    for (let second = 0; second < 27; second++) await pass(1);
    expect(stalled.sink.endedBy()).toBeUndefined();
    for (let second = 0; second < 3; second++) await pass(1);
    expect(stalled.sink.endedBy()?.code).toBe("slow_consumer");
    for (let second = 0; second < 100; second++) await pass(1);
    expect(reading.sink.endedBy()).toBeUndefined();
  });

  it("[W7] [W9] a thousand streams that fall behind together share reads of the log, a few pages at a time, and live reads never wait", async () => {
    const log = createMemoryLog({ epoch: EPOCH });
    const reads: { after: number; answer(): void }[] = [];
    let isHeld = false;
    const changes: HubOptions["changes"] = {
      ...log,
      read: async (...page) => {
        if (isHeld) await new Promise<void>((resolve) => reads.push({ after: page[1], answer: resolve }));
        return log.read(...page);
      },
    };
    const { hub, publish } = setUp({ memoryLog: log, changes, queueBytesMax: 10_000 });
    const slow = await Promise.all(range(1, 1_000).map(() => subscribe(hub, log, { mode: "now" })));
    for (const { sink } of slow) sink.stall();
    // The streams of a second group are at another place.
    for (const { sink } of slow.slice(500)) sink.write(Buffer.alloc(5_000));
    publish(log.commit(8, { bytes: 1_000 }));
    publish(log.commit(8, { bytes: 1_000 }));
    publish(log.commit(8, { bytes: 1_000 }));
    await until("all are behind", () => [...hub.connections()].every(({ replayedTo }) => replayedTo !== undefined));
    const fast = await subscribe(hub, log);
    isHeld = true;
    for (const { sink } of slow) sink.drain();
    await until("they read", () => reads.length > 0);
    // One read for each place, and one for the streams that needed the page after it began.
    expect(reads.length).toBeLessThanOrEqual(4);
    const held = reads.length;
    log.commit(1);
    await hub.poll();
    await until("the live reader's page is read beside theirs", () => reads.length > held);
    isHeld = false;
    for (const { answer } of reads) answer();
    await until("the live one has it", () => fast.sink.messages().length === 1);
  });

  it("[W24] over the limit of all queues, disconnects the largest streams of the account that holds the most; others continue", async () => {
    let heldBytes = 0;
    const { log, hub, publish } = setUp({ queueBytesMax: 10_000, queuesBytesMax: 20_000, readHeldBytes: () => heldBytes });
    const open = async (ownerId: string, mode: "plain" | "now") => (await subscribe(hub, log, { mode }, { ownerId })).sink;
    const big = [await open("big", "plain"), await open("big", "now"), await open("big", "plain")];
    const small = await open("small", "plain");
    for (const sink of [...big, small]) sink.stall();
    for (let i = 0; i < 7; i++) publish(log.commit(1, { bytes: 1_000 }));
    await hub.poll();
    expect([...big, small].map((sink) => sink.isCutOff())).toEqual([false, false, false, false]);
    heldBytes = 1_000_000;
    await hub.poll();
    expect(small.isCutOff()).toBe(false);
    expect(big.filter((sink) => sink.isCutOff()).length).toBeGreaterThanOrEqual(1);
    expect([...hub.connections()].reduce((sum, { backlogBytes }) => sum + backlogBytes, 0)).toBeLessThanOrEqual(20_000);
  });

  it("[W24] disconnects those that read slowly, not those whose changes wait for their turn", async () => {
    const { log, hub, publish } = setUp({ queuesBytesMax: 5_000, readHeldBytes: () => Number.POSITIVE_INFINITY });
    const slow = await subscribe(hub, log, { mode: "plain" }, { ownerId: "slow" });
    slow.sink.stall();
    publish(log.commit(3, { bytes: 1_000 }));
    await until("it is behind", () => slow.sink.unsentBytes() > 3_000);
    const fast = await Promise.all(Array.from({ length: 10 }, () => subscribe(hub, log, { mode: "plain" }, { ownerId: "fast" })));
    publish(log.commit(3, { bytes: 1_000 }));
    // The check comes before the turn in which the changes are sent.
    await hub.poll();
    await nextTick();
    expect(fast.map(({ sink }) => [sink.isCutOff(), sink.messages().length])).toEqual(fast.map(() => [false, 3]));
    expect(slow.sink.isCutOff()).toBe(true);
  });
});
