import { describe, expect, it } from "vitest";
import { formatPlace, parsePlace, readPlace } from "./log-place";

const NOW = new Date(2026, 0, 31, 12, 0, 0).getTime();
const local = (...parts: [number, number, number, number, number, number?, number?]) => ({
  kind: "time",
  timeMs: new Date(...parts).getTime(),
});

describe("a place in the log", () => {
  it.each([
    ["start", { kind: "start" }],
    ["41200", { kind: "seq", seq: 41_200 }],
    ["#7", { kind: "seq", seq: 7 }],
    [`${"a".repeat(32)}-99-0011aabb`, { kind: "seq", seq: 99 }],
    ["5 min", { kind: "time", timeMs: NOW - 300_000 }],
    ["last 2 h", { kind: "time", timeMs: NOW - 7_200_000 }],
    ["2h ago", { kind: "time", timeMs: NOW - 7_200_000 }],
    ["10:30", local(2026, 0, 31, 10, 30)],
    ["14:30:05.5", local(2026, 0, 30, 14, 30, 5, 500)],
    ["2026-01-02 03:04", local(2026, 0, 2, 3, 4)],
    ["2026-01-02", local(2026, 0, 2, 0, 0)],
    ["2026-01-02T03:04:05Z", { kind: "time", timeMs: Date.parse("2026-01-02T03:04:05Z") }],
    ["25:00", undefined],
    ["2026-13-40", undefined],
    ["soon", undefined],
    ["", undefined],
  ])("[G27] %s", (text, place) => {
    const parsed = readPlace(text, NOW);
    expect(parsed.ok ? parsed.place : undefined).toEqual(place);
    if (parsed.ok) expect(parsePlace(formatPlace(parsed.place))).toEqual(parsed.place);
  });

  it("[G27] in a URL that is not one is ignored", () => {
    for (const text of ["", "x", "-1", "2026-", "1e3"]) expect(parsePlace(text)).toBeUndefined();
  });
});
