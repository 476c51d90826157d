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
    expect(engine.state.cursor).toBeUndefined();
    engine.begin(page([3, 2, 1]));
    expect(engine.state.cursor).toBe(`${EPOCH}-3`);
    expect(engine.receive(`{"type":"READY","cursor":"${EPOCH}-3"}`)).toBe(true);
    expect(engine.receive(message(4))).toBe(false);
    expect(shown()).toEqual([1, 2, 3, 4]);
    expect(engine.state.cursor).toBe(`${EPOCH}-4`);
    engine.receive(`{"type":"BEAT","cursor":"${EPOCH}-9"}`);
    expect(engine.state.cursor).toBe(`${EPOCH}-9`);
  });

  it("[G28] counts what arrived after an interruption, and marks where the recovered part ends", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([1]));
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    engine.expectResume(3);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    engine.receive(message(2));
    expect(shown()).toEqual([1, "Resumed · recovering changes…", 2]);
    engine.receive(message(3));
    engine.receive(message(4));
    const recovered = [1, "Resumed · recovered 2 changes", 2, 3, "End of the recovered changes", 4];
    expect(shown()).toEqual(recovered);
    engine.expectResume(4);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-4"}`);
    expect(shown()).toEqual([...recovered, "Resumed · no changes missed"]);
    expect(engine.flush()).toMatchObject({ total: 4, matched: 4 });
  });

  it("[G28] states in one line what was recovered and what is missing", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([1]));
    engine.expectResume(602);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    engine.receive(`{"type":"GAP","from":"${EPOCH}-1","to":"${EPOCH}-600","reason":"expired","cursor":"${EPOCH}-600"}`);
    engine.receive(message(601));
    engine.receive(message(602));
    const line = "Resumed · recovered 2 changes · changes 2 to 600 were missed: they are no longer in the log";
    expect(shown()).toEqual([1, line, 601, 602, "End of the recovered changes"]);
    expect(engine.flush().rows[1]?.kind).toBe("gap");
  });

  it("[G28] the time of an interruption is when the connection was lost, and the rows keep their order", () => {
    const { engine, clock } = createEngine();
    engine.begin(page([1]));
    engine.setConnection({ state: "live" });
    clock.nowMs = 2_000_000;
    engine.setConnection({ state: "connecting", attempt: 1 });
    clock.nowMs = 3_000_000;
    engine.expectResume(1);
    engine.receive(`{"type":"READY","cursor":"${EPOCH}-1"}`);
    expect(engine.flush().rows.at(-1)).toMatchObject({ kind: "resumed", atMs: 2_000_000 });
  });

  it("[G28] counts as arrived only what the stream has sent and the filter shows", () => {
    const { engine } = createEngine();
    engine.begin(page([3, 2], true));
    engine.addOlder(page([1]));
    expect(engine.flush().arrived).toBe(0);
    engine.setFilter({ ...FILTER_NONE, text: "n = 5" }, undefined);
    for (const seq of [4, 5, 6]) engine.receive(message(seq));
    expect(engine.flush().arrived).toBe(1);
  });

  it("[G28] a deletion has the server's time, whatever this computer's clock, and that of the log once it was read", () => {
    const { engine, clock } = createEngine();
    const writtenMs = Date.parse(TIME);
    clock.nowMs = writtenMs + 3_600_000;
    engine.begin(page([]));
    engine.receive(message(1));
    clock.nowMs += 500;
    engine.receive(message(2, { type: "DELETE", record: 1 }));
    expect(engine.flush().rows.at(-1)).toMatchObject({ kind: "delete", atMs: writtenMs + 500 });
    expect(engine.estimated).toEqual([{ source: 0, seq: 2 }]);
    engine.setTimes([{ ...logged(2), atMs: writtenMs + 444 }]);
    expect(engine.flush().rows.at(-1)?.atMs).toBe(writtenMs + 444);
    expect(engine.estimated).toEqual([]);
  });

  it("[G27] puts what a search has found before the rest, and forgets it with the filter", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([9, 8], true));
    engine.setFilter({ ...FILTER_NONE, text: "n < 9" }, undefined);
    expect(engine.addFound([logged(5), logged(2)])).toBe(true);
    expect(shown()).toEqual([2, 5, 8]);
    expect(engine.state).toMatchObject({ oldest: 8, matched: 3 });
    engine.setFilter({ ...FILTER_NONE, text: "n < 6" }, undefined);
    expect(shown()).toEqual([]);
    engine.setFilter(FILTER_NONE, undefined);
    expect(shown()).toEqual([8, 9]);
  });

  it("[G27] does not compare a change with one that a search has found, because there can be others between them", () => {
    const { engine } = createEngine();
    const update = (seq: number): StreamEvent => ({ ...logged(seq), kind: "update", recordId: id(1) });
    engine.begin({ ...page([]), events: [update(9)] });
    engine.setFilter({ ...FILTER_NONE, text: "n < 10" }, undefined);
    engine.addFound([update(4), update(2)]);
    const nine = engine.locate(9)?.ordinal ?? Number.NaN;
    const four = engine.locate(4)?.ordinal ?? Number.NaN;
    expect([engine.get(nine)?.previous, engine.get(four)?.previous]).toEqual([undefined, undefined]);
  });

  it("[G27] dims what does not match instead of hiding it", () => {
    const { engine } = createEngine();
    engine.begin(page([2, 1]));
    engine.setFilter({ ...FILTER_NONE, text: "n = 2", dims: true }, undefined);
    expect(engine.flush().rows.map(({ seq, isDimmed }) => [seq, isDimmed])).toEqual([
      [1, true],
      [2, undefined],
    ]);
  });

  it("[G27] shows an earlier part of the log, and joins it with the stream without a gap and without repetition", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([100, 99], true));
    engine.detach();
    engine.receive(message(101));
    engine.showPlace({ older: page([9, 8], true), newer: { ...page([12, 11, 10], true), cursor: `${EPOCH}-101` } });
    expect(shown()).toEqual([8, 9, 10, 11, 12]);
    expect(engine.flush()).toMatchObject({ detached: { arrived: 1, newer: "more" } });
    engine.receive(message(102));
    // The page was read before change 102.
    engine.addNewer({ ...page([101, 100, 13]), cursor: `${EPOCH}-101` });
    expect(shown()).toEqual([8, 9, 10, 11, 12, 13, 100, 101, 102]);
    expect(engine.flush().detached).toBeUndefined();
    engine.receive(message(103));
    expect(shown().at(-1)).toBe(103);
  });

  it("[G27] goes back to the newest change", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([100, 99], true));
    engine.detach();
    engine.showPlace({ older: page([1]), newer: page([3, 2], true) });
    engine.receive(message(101));
    engine.receive(message(102));
    engine.showNewest({ ...page([101, 100], true), cursor: `${EPOCH}-101` });
    expect(shown()).toEqual([100, 101, 102]);
    expect(engine.flush().detached).toBeUndefined();
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
    expect(engine.state.cursor).toBe(`${EPOCH}-5`);
  });

  it("does not change the list while paused, counts arrivals, and loses nothing", () => {
    const { engine, shown } = createEngine();
    engine.begin(page([2, 1]));
    engine.pause();
    for (const seq of [3, 4, 5]) engine.receive(message(seq));
    expect(shown()).toEqual([1, 2]);
    expect(engine.flush()).toMatchObject({ paused: true, buffered: 3, end: 2 });
    engine.setFilter({ ...FILTER_NONE, text: "n = 4" }, undefined);
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
    engine.setFilter({ ...FILTER_NONE, text: "", operations: ["delete"] }, undefined);
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
    expect(engine.state.oldest).toBe(8);
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
    engine.setFilter({ ...FILTER_NONE, text: JSON.stringify('"n":1') }, undefined);
    engine.receive(message(10));
    expect(engine.step(2, -1)).toMatchObject({ ordinal: 0 });
    expect(engine.step(2, 1)).toMatchObject({ ordinal: 4 });
    engine.setFilter({ ...FILTER_NONE, text: "no such text" }, undefined);
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
    expect(engine.flush().rate).toBe(1);
    clock.nowMs += 3_600_000;
    expect(engine.flush().rate).toBe(0);
  });
});

/** The parts of a preview that are values. */
function toShown(preview: string, values: readonly number[]): string[] {
  return values.flatMap((start, index) => (index % 2 === 0 ? [preview.slice(start, values[index + 1])] : []));
}
