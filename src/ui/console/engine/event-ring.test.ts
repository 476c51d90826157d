import { describe, expect, it } from "vitest";
import { SEARCH_CASES } from "@/tests/support/text-cases";
import type { StreamEvent } from "../../stream/stream-event";
import { createMatcher, FILTER_NONE, isFilterEmpty, parseFilter, toFilterQuery } from "./event-filter";
import { EventRing } from "./event-ring";
import { includesBytes } from "./match-expression";
import { MatchedList } from "./matched-list";

const id = (number: number) => number.toString(16).padStart(32, "0");
const event = (seq: number, changes: Partial<StreamEvent> = {}): StreamEvent => ({
  kind: "create",
  seq,
  atMs: 1000 + seq,
  receivedMs: 1000 + seq,
  recordId: id(seq),
  createdMs: 1000,
  updatedMs: 1000 + seq,
  data: `{"n":${seq}}`,
  ...changes,
});
const ring = (eventsMax = 10, bytesMax = 1_000_000) => new EventRing({ eventsMax, bytesMax });
const held = (of: EventRing) => Array.from({ length: of.end - of.first }, (_, index) => of.seq(of.first + index));

describe("EventRing", () => {
  it("returns events as they were appended", () => {
    const events = ring();
    const sent = event(7, { kind: "delete", recordId: "0192a3b4c5d6e7f8091a2b3c4d5e6f70", data: '{"ü":"日本 🚲"}' });
    const ordinal = events.append(sent);
    expect(events.read(ordinal)).toEqual({ ...sent, source: 0 });
    expect(events.size(ordinal)).toBe(new TextEncoder().encode(sent.data).length);
    expect(() => events.seq(ordinal + 1)).toThrow(RangeError);
  });

  it("drops the oldest events over its count limit, and counts them", () => {
    const events = ring(3);
    for (let seq = 1; seq <= 5; seq += 1) events.append(event(seq));
    expect(held(events)).toEqual([3, 4, 5]);
    expect(events.first).toBe(2);
    expect(events.discarded).toBe(2);
    expect(() => events.data(1)).toThrow(RangeError);
  });

  it("drops the oldest events over its byte limit, but never the newest", () => {
    const events = ring(100, 100);
    const bytes = (length: number) => `"${"x".repeat(length - 2)}"`;
    for (let seq = 1; seq <= 4; seq += 1) events.append(event(seq, { data: bytes(40) }));
    expect(held(events)).toEqual([3, 4]);
    expect(events.bytes).toBe(80);
    events.append(event(5, { data: bytes(500) }));
    expect(held(events)).toEqual([5]);
    expect(events.data(events.first)).toHaveLength(500);
  });

  it("prepends no event without room for it, in bytes and not in characters", () => {
    const events = ring(100, 100);
    events.append(event(3, { data: `"${"x".repeat(48)}"` }));
    expect(events.prepend(event(2, { data: `"${"漢".repeat(20)}"` }))).toBe(false);
    expect(held(events)).toEqual([3]);
    expect(events.prepend(event(2, { data: `"${"漢".repeat(16)}"` }))).toBe(true);
    expect(events.bytes).toBe(100);
  });

  it("keeps every text intact across its blocks", () => {
    const events = ring(1000, 64 * 1024 * 1024);
    const texts = Array.from({ length: 400 }, (_, index) => `"${"é".repeat((index * 977) % 9000)}${index}"`);
    const big = `"${"z".repeat(2_000_000)}"`;
    for (const [index, data] of [...texts, big, ...texts].entries()) events.append(event(index, { data }));
    const ordinals = Array.from({ length: events.end - events.first }, (_, index) => events.first + index);
    expect(ordinals.map((ordinal) => events.data(ordinal))).toEqual([...texts, big, ...texts]);
    expect(events.data(texts.length, 5)).toBe('"zzzz');
  });

  it("finds the previous event of a record, also after older ones are prepended, but not after it is dropped", () => {
    const events = ring(4);
    const record = (seq: number) => event(seq, { recordId: id(99), kind: "update" });
    const third = events.append(record(3));
    const other = events.append(event(4));
    const fifth = events.append(record(5));
    expect(events.previous(third)).toBeUndefined();
    expect(events.previous(other)).toBeUndefined();
    expect(events.previous(fifth)).toBe(third);
    expect(events.prepend(record(2))).toBe(true);
    expect(events.previous(third)).toBe(events.first);
    events.append(event(6));
    events.append(event(7));
    expect(held(events)).toEqual([4, 5, 6, 7]);
    expect(events.previous(fifth)).toBeUndefined();
    expect(events.previous(events.append(record(8)))).toBe(fifth);
  });

  it("prepends older events while there is room", () => {
    const events = ring(3);
    events.append(event(10));
    expect(events.prepend(event(9))).toBe(true);
    expect(events.prepend(event(8))).toBe(true);
    expect(events.isFull).toBe(true);
    expect(events.prepend(event(7))).toBe(false);
    expect(held(events)).toEqual([8, 9, 10]);
    expect(events.first).toBe(-2);
    // The first event of a record that is only known from the past.
    events.append(event(11, { recordId: id(9), kind: "update" }));
    expect(events.previous(events.end - 1)).toBe(-1);
  });

  it("counts marks separately from changes", () => {
    const events = ring(2);
    events.append(event(1));
    events.append(event(1, { kind: "gap", recordId: id(0) }));
    expect([events.changes, events.discarded]).toEqual([1, 0]);
    events.append(event(2));
    events.append(event(3));
    expect([events.changes, events.discarded]).toEqual([2, 1]);
  });
});

describe("createMatcher", () => {
  const events = ring();
  const rows = [
    event(1, { data: '{"City":"Zürich","n":1}' }),
    event(2, { kind: "update", data: '"say \\"hi\\""' }),
    event(3, { kind: "delete", data: "null", recordId: "0192a3b4c5d6e7f8091a2b3c4d5e6f70" }),
    event(3, { kind: "gap", recordId: id(0), data: '"Gap"' }),
  ];
  for (const each of rows) events.append(each);
  const matching = (text: string, operations = FILTER_NONE.operations) => {
    const matches = createMatcher({ ...FILTER_NONE, text, operations });
    return [0, 1, 2, 3].filter((ordinal) => matches(events, ordinal));
  };

  it("matches everything without a filter", () => {
    expect(matching("")).toEqual([0, 1, 2, 3]);
    expect(isFilterEmpty({ ...FILTER_NONE, text: "  ", operations: ["delete", "create", "update"] })).toBe(true);
    expect(isFilterEmpty({ ...FILTER_NONE, text: "", operations: ["create"] })).toBe(false);
  });

  it("finds text in either case, beyond ASCII, in quotes, and parts of ids", () => {
    expect(matching("city")).toEqual([0, 3]);
    expect(matching(" CITY ")).toEqual([0, 3]);
    expect(matching("Zürich")).toEqual([0, 3]);
    expect(matching('"say \\"hi\\""')).toEqual([1, 3]);
    expect(matching("4D5E6F70")).toEqual([2, 3]);
    expect(matching("nothing like this")).toEqual([3]);
  });

  it.each(SEARCH_CASES)("[G13] finds what the grid finds: $what", ({ json, finds, misses = [] }) => {
    const one = ring();
    const ordinal = one.append(event(1, { data: json }));
    const isFound = (text: string) => createMatcher({ ...FILTER_NONE, text: JSON.stringify(text) })(one, ordinal);
    expect(finds.filter((text) => !isFound(text))).toEqual([]);
    // White space around a filter is ignored, as in the grid.
    expect(misses.filter((text) => text === text.trim() && isFound(text))).toEqual([]);
  });

  it("filters by operation, and never hides a mark", () => {
    expect(matching("", ["update", "delete"])).toEqual([1, 2, 3]);
    expect(matching("city", ["delete"])).toEqual([3]);
    expect(matching("", [])).toEqual([3]);
  });

  it("is part of the URL", () => {
    for (const filter of [
      FILTER_NONE,
      { ...FILTER_NONE, text: "a&b", operations: ["delete" as const] },
      { ...FILTER_NONE, text: "", operations: [] },
      { ...FILTER_NONE, range: { fromMs: 1000, toMs: undefined } },
    ]) {
      expect(parseFilter(toFilterQuery(filter))).toEqual(filter);
    }
    expect(toFilterQuery(FILTER_NONE)).toEqual({ q: null, op: null, dim: null, time: null });
    expect(parseFilter({ q: null, op: "delete,nonsense,create", dim: null, time: "yesterday..today" })).toEqual({
      ...FILTER_NONE,
      text: "",
      operations: ["create", "delete"],
    });
  });

  it("compares bytes as a text search does", () => {
    const encode = (text: string) => new TextEncoder().encode(text);
    for (const [bytes, needle] of [
      ["aaab", "aab"],
      ["AAB", "aab"],
      ["aa", "aab"],
      ["", ""],
      ["ab", ""],
      ["xaxb", "ab"],
    ] as const) {
      expect(includesBytes(encode(bytes), encode(needle))).toBe(bytes.toLowerCase().includes(needle));
    }
  });
});

describe("MatchedList", () => {
  it("keeps the indexes of events while both ends move", () => {
    const list = new MatchedList(4);
    for (const ordinal of [10, 20, 30]) list.append(ordinal);
    list.prepend(5);
    expect([list.first, list.end, list.at(-1), list.at(1)]).toEqual([-1, 3, 5, 20]);
    list.dropBefore(15);
    list.append(40);
    expect([list.first, list.at(1), list.at(3)]).toEqual([1, 20, 40]);
    expect([list.indexFrom(20), list.indexFrom(21), list.indexFrom(0), list.indexFrom(99)]).toEqual([1, 2, 1, 4]);
  });
});
