import { describe, expect, it } from "vitest";
import { formatRange, liftRange, readTypedRange } from "./typed-range";

const NOW = new Date(2026, 0, 31, 15, 0, 0).getTime();
const at = (hours: number, minutes: number, seconds = 0) => new Date(2026, 0, 31, hours, minutes, seconds).getTime();

describe("a typed range of time", () => {
  it.each<[string, { fromMs: number | undefined; toMs: number | undefined }]>([
    ["14:30..14:35", { fromMs: at(14, 30), toMs: at(14, 35) }],
    ["14:30:05 .. 14:30:10", { fromMs: at(14, 30, 5), toMs: at(14, 30, 10) }],
    ["10 min..5 min", { fromMs: NOW - 600_000, toMs: NOW - 300_000 }],
    ["14:30..", { fromMs: at(14, 30), toMs: undefined }],
    ["..2026-01-31T14:30", { fromMs: undefined, toMs: at(14, 30) }],
  ])("[G27.21] reads %s", (text, range) => expect(readTypedRange(text, NOW)).toEqual({ ok: true, range }));

  it.each([
    ["14:35..14:30", /earlier time first/],
    ["..", /two times/],
    ["start..14:30", /two times/],
    ["12..13", /two times/],
  ])("[G27.21] refuses %s", (text, problem) =>
    expect(readTypedRange(text, NOW)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) }),
  );

  it("[G27.21] a place is not a range", () => {
    expect(readTypedRange("14:30", NOW)).toBeUndefined();
    expect(readTypedRange("a..b..c", NOW)).toBeUndefined();
  });

  it("[G27.21] local times are taken out of a filter", () => {
    expect(liftRange("op:delete time:14:30..14:35 hall", NOW)).toEqual({
      text: "op:delete hall",
      range: { fromMs: at(14, 30), toMs: at(14, 35) },
    });
    expect(liftRange("time:14:30..", NOW)).toEqual({ text: "", range: { fromMs: at(14, 30), toMs: undefined } });
    expect(liftRange("hall", NOW)).toBeUndefined();
    expect(liftRange("time:soon..", NOW)).toBeUndefined();
  });

  it("[G27.21] is written in local time", () => {
    const today = new Date();
    const today10 = new Date(today.getFullYear(), today.getMonth(), today.getDate(), 10, 2, 10).getTime();
    expect(formatRange({ fromMs: today10, toMs: today10 + 30_500 })).toBe("10:02:10 to 10:02:40.500");
    expect(formatRange({ fromMs: today10, toMs: undefined })).toBe("since 10:02:10");
    expect(formatRange({ fromMs: new Date(2020, 0, 31, 14, 30).getTime(), toMs: new Date(2020, 0, 31, 14, 31).getTime() })).toBe(
      "31 Jan, 14:30:00 to 14:31:00",
    );
  });
});
