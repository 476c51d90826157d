import { describe, expect, it } from "vitest";
import type { StreamEvent } from "../../../stream/stream-event";
import { LiveTail } from "./live-tail";

const event = (seq: number, data = "1"): StreamEvent => ({
  kind: "create",
  seq,
  atMs: seq,
  receivedMs: seq,
  recordId: "0".repeat(32),
  createdMs: seq,
  updatedMs: seq,
  data,
});

describe("LiveTail", () => {
  it("[G27] returns what follows a seq, and nothing if a part of that was dropped", () => {
    const tail = new LiveTail();
    for (let seq = 1; seq <= 5_000; seq += 1) tail.add(event(seq));
    expect(tail.after(() => 4_998)?.map(({ seq }) => seq)).toEqual([4_999, 5_000]);
    expect(tail.after(() => 0)).toHaveLength(5_000);
    for (let seq = 5_001; seq <= 12_000; seq += 1) tail.add(event(seq));
    expect(tail.received).toBe(12_000);
    expect(tail.after(() => 6_999)).toBeUndefined();
    expect(tail.after(() => 7_000)).toHaveLength(5_000);
    tail.clear();
    expect([tail.received, tail.after(() => 0)]).toEqual([0, []]);
  });

  it("[G46] returns what follows the newest change of each endpoint", () => {
    const tail = new LiveTail();
    for (let seq = 1; seq <= 3; seq += 1) for (const source of [0, 1, 2]) tail.add({ ...event(seq), source });
    const newest = new Map([
      [0, 3],
      [1, 1],
    ]);
    expect(tail.after((source) => newest.get(source))?.map(({ source, seq }) => `${source}:${seq}`)).toEqual([
      "2:1",
      "1:2",
      "2:2",
      "1:3",
      "2:3",
    ]);
  });

  it("limits the size", () => {
    const tail = new LiveTail();
    for (let seq = 1; seq <= 40; seq += 1) tail.add(event(seq, "x".repeat(1024 * 1024)));
    expect(tail.after(() => 0)).toBeUndefined();
    expect(tail.after(() => 24)?.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, index) => 25 + index));
  });
});
