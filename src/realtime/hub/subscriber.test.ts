/** The bounded queue: what it accepts, when it writes, and when it ends. */
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { AppError } from "@/src/shared/errors";
import { createMemorySink } from "@/tests/support/memory/memory-sink";
import { createWriteBatcher } from "../transports/write-batcher";
import { toTextFrame } from "../wire/encode";
import { createSubscriber } from "./subscriber";

function setUp(queueBytesMax = 1_000) {
  const sink = createMemorySink();
  const lane = { ownerId: "owner", endpointId: "endpoint" };
  const counts = { deliveries: 0, bytesOut: 0 };
  const subscriber = createSubscriber({ sink, batcher: createWriteBatcher(), lane, queueBytesMax, counts, onPiling: () => undefined });
  return { sink, subscriber, counts };
}

/** A frame of exactly `bytes`, header included. */
function toFrame(bytes: number): Buffer {
  const headerBytes = bytes < 128 ? 2 : 4;
  return toTextFrame(`{"type":"${"x".repeat(bytes - headerBytes - 11)}"}`);
}

describe("createSubscriber", () => {
  it("writes the frames of a tick at once, in order", async () => {
    const { sink, subscriber } = setUp();
    for (const type of ["a", "b", "c"]) subscriber.enqueue(toTextFrame(JSON.stringify({ type })));
    expect(sink.writes()).toBe(0);
    await nextTick();
    expect(sink.writes()).toBe(1);
    expect(sink.messages().map(({ type }) => type)).toEqual(["a", "b", "c"]);
  });

  it("[W7] counts the bytes in the queue and in the transport", async () => {
    const { sink, subscriber } = setUp();
    sink.stall();
    subscriber.enqueue(toFrame(100));
    await nextTick();
    subscriber.enqueue(toFrame(50));
    expect(subscriber.backlogBytes()).toBe(150);
    sink.drain();
    expect(subscriber.backlogBytes()).toBe(50);
  });

  it("[W24] does not count frames that only wait for their turn as bytes that pile up", async () => {
    const { sink, subscriber } = setUp();
    subscriber.enqueue(toFrame(100));
    expect([subscriber.backlogBytes(), subscriber.pilingBytes()]).toEqual([100, 0]);
    sink.stall();
    await nextTick();
    subscriber.enqueue(toFrame(50));
    expect([subscriber.backlogBytes(), subscriber.pilingBytes()]).toEqual([150, 150]);
    sink.drain();
    expect([subscriber.backlogBytes(), subscriber.pilingBytes()]).toEqual([50, 0]);
  });

  it("[W7] accepts exactly the limit, and no byte more until the client has taken some", async () => {
    const { sink, subscriber } = setUp(1_000);
    sink.stall();
    expect(subscriber.enqueue(toFrame(400))).toBe(true);
    await nextTick();
    expect(subscriber.enqueue(toFrame(600))).toBe(true);
    expect(subscriber.backlogBytes()).toBe(1_000);
    expect(subscriber.enqueue(toFrame(14))).toBe(false);
    expect(subscriber.backlogBytes()).toBe(1_000);
    sink.take(14);
    expect(subscriber.enqueue(toFrame(14))).toBe(true);
    expect(subscriber.takenBytes()).toBe(14);
    subscriber.enqueueAlways(toFrame(14));
    expect(subscriber.backlogBytes()).toBe(1_014);
  });

  it("[W7] has room for a page if little waits, and for any size if nothing waits", async () => {
    const { sink, subscriber } = setUp(1_000);
    expect(subscriber.isCrowdedBy(toFrame(5_000))).toBe(false);
    sink.stall();
    subscriber.enqueue(toFrame(250));
    await nextTick();
    expect([subscriber.pageBytes, subscriber.isBusy(), subscriber.isCrowdedBy(toFrame(250))]).toEqual([250, false, false]);
    expect(subscriber.isCrowdedBy(toFrame(251))).toBe(true);
    subscriber.enqueue(toFrame(14));
    expect(subscriber.isBusy()).toBe(true);
    subscriber.discard();
    expect(subscriber.backlogBytes()).toBe(250);
  });

  it("[W7] does not take a client for slow because of frames that wait for their turn", async () => {
    const { sink, subscriber } = setUp(1_000);
    subscriber.enqueue(toFrame(400));
    expect(subscriber.enqueue(toFrame(700))).toBe(true);
    await nextTick();
    expect(sink.messages()).toHaveLength(2);
    sink.stall();
    subscriber.enqueue(toFrame(400));
    expect(subscriber.enqueue(toFrame(700))).toBe(false);
    await nextTick();
    expect(sink.messages()).toHaveLength(3);
  });

  it("[W7] accepts a frame of any size if nothing waits", async () => {
    const { sink, subscriber } = setUp(1_000);
    expect(subscriber.enqueue(toFrame(5_000))).toBe(true);
    await nextTick();
    expect(sink.messages()).toHaveLength(1);
  });

  it("[W7] uses the transport's own buffers before the tick ends", () => {
    const { sink, subscriber } = setUp(1_000);
    for (let i = 0; i < 10; i++) expect(subscriber.enqueue(toFrame(300))).toBe(true);
    expect(sink.writes()).toBeGreaterThan(1);
  });

  it("sends the queue before it ends", async () => {
    const { sink, subscriber } = setUp();
    subscriber.enqueue(toTextFrame('{"type":"last"}'));
    subscriber.end(new AppError("server_shutdown"));
    subscriber.enqueue(toTextFrame('{"type":"too late"}'));
    await nextTick();
    expect(sink.messages().map(({ type }) => type)).toEqual(["last"]);
    expect(sink.endedBy()?.code).toBe("server_shutdown");
  });
});

describe("createWriteBatcher", () => {
  it("shares one copy of the frames that several subscribers flush", () => {
    const batcher = createWriteBatcher();
    const frames = [toFrame(20), toFrame(30)];
    expect(batcher.join([...frames])).toBe(batcher.join([...frames]));
    expect(batcher.join(frames)).toEqual(Buffer.concat(frames));
  });

  it("does not share different frames", () => {
    const batcher = createWriteBatcher();
    const [a, b, c] = [toFrame(20), toFrame(30), toFrame(40)];
    batcher.join([a, b]);
    expect(batcher.join([a, c])).toEqual(Buffer.concat([a, c]));
    expect(batcher.join([a, b, c])).toEqual(Buffer.concat([a, b, c]));
    expect(batcher.join([a])).toBe(a);
  });
});
