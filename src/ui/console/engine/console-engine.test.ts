import { describe, expect, it } from "vitest";
import type { StreamEvent } from "../../stream/stream-event";
import { ConsoleEngine } from "./console-engine";
import { FILTER_NONE } from "./event-filter";

const EPOCH = "a".repeat(32);
const id = (number: number) => number.toString(16).padStart(32, "0");
const TIME = "2026-01-02T03:04:05.678Z";

const message = (
  seq: number,
  { type = "POST", data = `{"n":${seq}}`, record = seq }: { type?: string; data?: string; record?: number } = {},
) =>
  `{"type":"${type}","record":{"uniqueId":"${id(record)}","data":${data},"createdAt":"${TIME}","updatedAt":"${TIME}"},"cursor":"${EPOCH}-${seq}"}`;

const logged = (seq: number): StreamEvent => ({
  kind: "create",
  seq,
  atMs: seq,
  receivedMs: seq,
  recordId: id(seq),
  createdMs: seq,
  updatedMs: seq,
  data: `{"n":${seq}}`,
});
const page = (seqs: number[], more = false) => ({ events: seqs.map(logged), more, cursor: `${EPOCH}-${seqs[0] ?? 0}` });

function createEngine(limits = { eventsMax: 100, bytesMax: 1_000_000 }) {
  const clock = { nowMs: 1_000_000 };
  const engine = new ConsoleEngine({ limits, filter: FILTER_NONE, nowMs: () => clock.nowMs });
  const shown = () => engine.flush().rows.map((row) => (row.kind === "gap" || row.kind === "resumed" ? row.preview : row.seq));
  return { engine, clock, shown };
}

describe("ConsoleEngine", () => {
  it("[W9] merges the log and the stream into one list, and knows the cursor to resume from", () => {
    const { engine, shown } = createEngine();
    expect(engine.cursor).toBeUndefined();
    engine.begin(page([3, 2, 1]));
    expect(engine.cursor).toBe(`${EPOCH}-3`);
    expect(engine.receive(`{"type":"READY","cursor":"${EPOCH}-3"}`)).toBe(true);
    expect(engine.receive(message(4))).toBe(false);
    expect(shown()).toEqual([1, 2, 3, 4]);
    expect(engine.cursor).toBe(`${EPOCH}-4`);
    engine.receive(`{"type":"BEAT","cursor":"${EPOCH}-9"}`);
    expect(engine.cursor).toBe(`${EPOCH}-9`);
  });

  it("marks where the stream resumed and what was recovered, but not at the first READY", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([1]));
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    engine.expectResume(42);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    engine.receive(message(2));
    expect(shown()).toEqual([1, "Resumed · recovered 41 changes", 2]);
    engine.expectResume(2);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-2"}`);
    expect(shown().at(-1)).toBe("Resumed · no changes missed");
    expect(engine.flush()).toMatchObject({ total: 2, matched: 2 });
  });

  it("[W10] names the part that is missing", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([1]));
    engine.receive(`{"type":"GAP","from":"${EPOCH}-1","to":"${EPOCH}-500","reason":"expired","cursor":"${EPOCH}-500"}`);
    engine.receive(`{"type":"GAP","from":"${"b".repeat(32)}-1","to":"${EPOCH}-5","reason":"epoch_changed","cursor":"${EPOCH}-5"}`);
    expect(shown()).toEqual([
      1,
      "Gap · changes 2 to 500 were missed: they are no longer in the log",
      "Gap · some changes were missed: the log was replaced",
    ]);
    expect(engine.cursor).toBe(`${EPOCH}-5`);
  });

  it("does not change the list while paused, counts arrivals, and loses nothing", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([2, 1]));
    engine.pause();
    for (const seq of [3, 4, 5]) engine.receive(message(seq));
    expect(shown()).toEqual([1, 2]);
    expect(engine.flush()).toMatchObject({ paused: true, buffered: 3, end: 2 });
    engine.setFilter({ text: "n = 4", operations: FILTER_NONE.operations }, undefined);
    expect(engine.flush()).toMatchObject({ paused: true, buffered: 1, first: 0, end: 0 });
    engine.setFilter(FILTER_NONE, undefined);
    expect(engine.flush()).toMatchObject({ buffered: 3, end: 2 });
    engine.resume();
    expect(shown()).toEqual([1, 2, 3, 4, 5]);
    expect(engine.flush()).toMatchObject({ paused: false, buffered: 0 });
  });

  it("filters buffered and arriving events, and reports the index of an anchor", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([4, 3, 2, 1]));
    engine.receive(message(5, { type: "DELETE", record: 3 }));
    engine.setFilter({ text: "", operations: ["delete"] }, undefined);
    engine.receive(message(6, { type: "DELETE", record: 2 }));
    engine.receive(message(7));
    expect(shown()).toEqual([5, 6]);
    expect(engine.flush()).toMatchObject({ generation: 1, matched: 2, total: 7 });
    engine.setFilter(FILTER_NONE, 4);
    const flush = engine.flush();
    expect(flush).toMatchObject({ generation: 2, matched: 7, anchor: 4 });
    expect(flush.rows[4]?.seq).toBe(5);
    expect(engine.flush().anchor).toBeUndefined();
  });

  it("keeps the visible rows in place while the oldest are discarded", () => {
    const { engine } = createEngine({ eventsMax: 5, bytesMax: 1_000_000 });
    for (let seq = 1; seq <= 5; seq += 1) engine.receive(message(seq));
    engine.setView({ follow: false, from: 3, count: 2, characters: 100 });
    expect(engine.flush().rows.map((row) => row.seq)).toEqual([4, 5]);
    engine.receive(message(6));
    engine.receive(message(7));
    expect(engine.flush()).toMatchObject({ first: 2, end: 7, from: 3, discarded: 2, total: 5 });
    expect(engine.flush().rows.map((row) => row.seq)).toEqual([4, 5]);
  });

  it("drops a mark with the events around it", () => {
    const { engine } = createEngine({ eventsMax: 3, bytesMax: 1_000_000 });
    engine.begin(page([1]));
    engine.receive(`{"type":"GAP","from":"${EPOCH}-1","to":"${EPOCH}-2","reason":"expired","cursor":"${EPOCH}-2"}`);
    for (const seq of [3, 4, 5]) engine.receive(message(seq));
    expect(engine.flush()).toMatchObject({ total: 3, matched: 3, discarded: 1 });
  });

  it("prepends older changes that match the filter until the log ends or the buffer is full", () => {
    const { engine, shown } = createEngine({ eventsMax: 6, bytesMax: 1_000_000 });
    engine.begin(page([9, 8], true));
    expect(engine.oldestSeq).toBe(8);
    engine.addOlder(page([7, 6, 5], true));
    expect(shown()).toEqual([5, 6, 7, 8, 9]);
    expect(engine.flush()).toMatchObject({ first: -3, end: 2, history: "more" });
    engine.addOlder(page([4, 3], true));
    expect(shown()).toEqual([4, 5, 6, 7, 8, 9]);
    expect(engine.flush().history).toBe("full");
  });

  it("shows the changed paths of an update if the previous version is buffered, else the data", () => {
    const { engine } = createEngine();
    engine.receive(message(1, { data: '{"status":"new","n":1}', record: 7 }));
    engine.receive(message(2, { type: "PUT", data: '{"status":"paid","n":1,"by":"me"}', record: 7 }));
    engine.receive(message(3, { type: "PUT", data: '{"a":1}', record: 8 }));
    expect(engine.flush().rows.map(({ preview, values }) => [preview, toShown(preview, values)])).toEqual([
      ['{"status": "new", "n": 1}', ['"new"', "1"]],
      ['status: "paid", +by: "me"', ['"paid"', '"me"']],
      ['{"a": 1}', ["1"]],
    ]);
    expect(engine.get(1)).toMatchObject({ event: { seq: 2 }, previous: { seq: 1 } });
    expect(engine.get(2)?.previous).toBeUndefined();
    expect(engine.get(99)).toBeUndefined();
  });

  it("shows the values at pinned paths, for later changes too, until they are unpinned", () => {
    const { engine } = createEngine();
    engine.receive(message(1, { data: '{"a":{"b":[1,2]},"t":20.50}' }));
    const pinned = (pins: readonly string[]) => {
      engine.setView({ follow: true, count: 10, characters: 100, pins });
      return engine.flush().rows.map((row) => row.pins);
    };
    expect(pinned(["a.b[1]", "t", "x"])).toEqual([["2", "20.50", ""]]);
    engine.receive(message(2, { data: '{"t":"warm"}' }));
    expect(pinned(["t"])).toEqual([["20.50"], ["warm"]]);
    expect(pinned([])).toEqual([[], []]);
  });

  it("sends as many characters as fit, and more when more fit", () => {
    const { engine } = createEngine();
    engine.receive(message(1, { data: `"${"x".repeat(100)}"` }));
    engine.setView({ follow: true, count: 10, characters: 20 });
    expect(engine.flush().rows[0]?.preview).toBe(`"${"x".repeat(18)}…`);
    engine.setView({ follow: true, count: 10, characters: 200 });
    expect(engine.flush().rows[0]?.preview).toHaveLength(102);
  });

  it("steps through the filtered list, also from an event that the filter hides", () => {
    const { engine } = createEngine();
    engine.begin(page([4, 3, 2, 1]));
    expect(engine.step(undefined, 0)).toEqual({ ordinal: 3, index: 3 });
    expect(engine.step(3, -1)).toEqual({ ordinal: 2, index: 2 });
    expect(engine.step(3, 1)).toEqual({ ordinal: 3, index: 3 });
    expect(engine.step(0, -5)).toEqual({ ordinal: 0, index: 0 });
    engine.setFilter({ text: JSON.stringify('"n":1'), operations: FILTER_NONE.operations }, undefined);
    engine.receive(message(10));
    expect(engine.step(2, -1)).toMatchObject({ ordinal: 0 });
    expect(engine.step(2, 1)).toMatchObject({ ordinal: 4 });
    engine.setFilter({ text: "no such text", operations: FILTER_NONE.operations }, undefined);
    expect(engine.step(undefined, 0).ordinal).toBeUndefined();
  });

  it("counts events per second, and drops seconds that have passed", () => {
    const { engine, clock } = createEngine();
    engine.receive(message(1));
    engine.receive(message(2));
    expect(engine.flush().rate).toBe(0);
    clock.nowMs += 1000;
    expect(engine.flush().rate).toBe(2);
    engine.receive(message(3));
    clock.nowMs += 1000;
    expect(engine.flush().rates.slice(-3)).toEqual([0, 2, 1]);
    clock.nowMs += 3_600_000;
    expect(engine.flush().rates.every((count) => count === 0)).toBe(true);
  });
});

/** The parts of a preview that are values. */
function toShown(preview: string, values: readonly number[]): string[] {
  return values.flatMap((start, index) => (index % 2 === 0 ? [preview.slice(start, values[index + 1])] : []));
}
