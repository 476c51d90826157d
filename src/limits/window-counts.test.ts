/** Tests counting in time windows (U8). */
import { describe, expect, it } from "vitest";
import { createWindowCounts } from "./window-counts";

function setUp(idsMax = 1000) {
  const time = { ms: 1_000 };
  return { time, counts: createWindowCounts({ windowMs: 60_000, idsMax, now: () => time.ms }) };
}

describe("createWindowCounts", () => {
  it("[U8] a window starts with the first request, ends after its length, and starts over", () => {
    const { time, counts } = setUp();
    expect(counts.add("a")).toEqual({ count: 1, endsInMs: 60_000 });
    time.ms += 59_999;
    expect(counts.add("a")).toEqual({ count: 2, endsInMs: 1 });
    time.ms += 1;
    expect(counts.add("a")).toEqual({ count: 1, endsInMs: 60_000 });
    expect(counts.size).toBe(1);
  });

  it("[U8] ids are counted separately", () => {
    const { counts } = setUp();
    expect([counts.add("a").count, counts.add("b").count, counts.add("a").count]).toEqual([1, 1, 2]);
  });

  it("[U8] windows that have ended are dropped while others are counted", () => {
    const { time, counts } = setUp();
    for (let n = 0; n < 400; n++) counts.add(`ended ${n}`);
    for (let minute = 0; minute < 2; minute++) {
      time.ms += 60_000;
      counts.add("other");
    }
    expect(counts.size).toBe(1);
  });

  it("[U8] every window lasts its whole length, whenever it started", () => {
    const { time, counts } = setUp();
    counts.add("first");
    for (let second = 1; second <= 200; second++) {
      time.ms += 1_000;
      counts.add(`at ${second}`);
      if (second > 59) expect(counts.add(`at ${second - 59}`).count).toBe(2);
      if (second > 60) expect(counts.add(`at ${second - 60}`).count).toBe(1);
    }
  });

  it("[U8] beyond the maximum of ids, the oldest windows are dropped", () => {
    const { counts } = setUp(4);
    for (const id of ["a", "b", "c", "d", "e"]) counts.add(id);
    expect(counts.size).toBeLessThanOrEqual(4);
    expect([counts.add("c").count, counts.add("d").count, counts.add("e").count]).toEqual([2, 2, 2]);
    expect(counts.add("a").count).toBe(1);
  });

  it("[U8] a million addresses stay within the bound", () => {
    const { counts } = setUp(10_000);
    for (let n = 0; n < 1_000_000; n++) counts.add(`key ${n}`);
    expect(counts.size).toBeLessThanOrEqual(10_000);
    expect(counts.size).toBeGreaterThanOrEqual(5_000);
  });
});
