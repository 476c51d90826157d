import { describe, expect, it } from "vitest";
import { CHART_STEPS, ChartCounter, countChanges, toChartSteps } from "../engine/change-chart";
import { EventRing } from "../engine/event-ring";
import { formatStep, toRangePlace, toScaleMax, toStep, toStepRange, toStepText, toTicks } from "./chart-math";

const START_MS = new Date(2026, 0, 31, 10, 2, 0).getTime();
const counts = (...steps: [number, number, number][]) => Array.from({ length: CHART_STEPS }, (_, step) => steps[step] ?? [0, 0, 0]).flat();

function createRing(...times: number[]): EventRing {
  const ring = new EventRing({ eventsMax: 100, bytesMax: 1_000_000 });
  const kinds = ["create", "update", "delete"] as const;
  for (const [index, atMs] of times.entries())
    ring.append({
      kind: kinds[index % 3] ?? "create",
      seq: index + 1,
      atMs,
      receivedMs: atMs,
      recordId: "0".repeat(32),
      createdMs: atMs,
      updatedMs: atMs,
      data: "1",
    });
  return ring;
}

describe("the chart of changes over time", () => {
  it("[G30.5] counts the changes of each step by operation, and says from when on it has all of them", () => {
    const ring = createRing(START_MS - 1, START_MS, START_MS + 999, START_MS + 59_999, START_MS + 60_000);
    const chart = countChanges(ring, { startMs: START_MS, stepMs: 1000, isWholeLog: false });
    expect(chart.counts.slice(0, 3)).toEqual([0, 1, 1]);
    expect(chart.counts.slice(-3)).toEqual([1, 0, 0]);
    expect(chart.heldFromMs).toBe(START_MS - 1);
    expect(countChanges(ring, { startMs: START_MS, stepMs: 1000, isWholeLog: true }).heldFromMs).toBeUndefined();
  });

  it("[G30.5] does not count marks", () => {
    const ring = createRing(START_MS);
    const mark = { seq: 1, atMs: START_MS, receivedMs: START_MS, recordId: "0".repeat(32), createdMs: 0, updatedMs: 0, data: '"Gap"' };
    ring.append({ ...mark, kind: "gap" });
    expect(countChanges(ring, { startMs: START_MS, stepMs: 1000, isWholeLog: true }).counts.reduce((sum, each) => sum + each)).toBe(1);
  });

  it("[G30.5] ends now, in whole steps", () => {
    expect(toChartSteps({ endMs: START_MS + 59_500, spanMs: 60_000, range: undefined })).toEqual({ startMs: START_MS, stepMs: 1000 });
    expect(toChartSteps({ endMs: START_MS, spanMs: 300_000, range: undefined }).stepMs).toBe(5000);
  });

  it("[G30.5] shows the range of the filter, wherever it is", () => {
    const range = { fromMs: START_MS - 3_600_000, toMs: START_MS - 3_540_000 };
    const { startMs, stepMs } = toChartSteps({ endMs: START_MS, spanMs: 60_000, range });
    expect(startMs).toBeLessThanOrEqual(range.fromMs);
    expect(startMs + stepMs * CHART_STEPS).toBeGreaterThanOrEqual(range.toMs);
    const inside = { fromMs: START_MS - 20_000, toMs: START_MS - 10_000 };
    expect(toChartSteps({ endMs: START_MS, spanMs: 60_000, range: inside })).toEqual(
      toChartSteps({ endMs: START_MS, spanMs: 60_000, range: undefined }),
    );
    const open = toChartSteps({ endMs: START_MS, spanMs: 60_000, range: { fromMs: START_MS - 3_600_000, toMs: undefined } });
    expect(open.startMs).toBeLessThanOrEqual(START_MS - 3_600_000);
  });

  it("[G30.5] counts again once a second, and when older changes were loaded", () => {
    const ring = createRing(START_MS);
    const counter = new ChartCounter(ring);
    const read = (nowMs: number) => counter.read({ nowMs, isDetached: false, isWholeLog: false });
    const first = read(START_MS + 100);
    ring.append({ ...ring.read(0), seq: 2 });
    expect(read(START_MS + 200)).toBe(first);
    expect(read(START_MS + 1000)).not.toBe(first);
    const second = read(START_MS + 1000);
    ring.prepend({ ...ring.read(0), seq: 0, atMs: START_MS - 5000 });
    expect(read(START_MS + 1000)).not.toBe(second);
  });

  it.each([
    [1, 1],
    [3, 5],
    [5, 5],
    [6, 10],
    [42, 50],
    [1200, 2000],
  ])("[G30.5] a step with %i changes fits below %i", (most, expected) => {
    expect(toScaleMax({ counts: counts([most, 0, 0], [1, 0, 0]) })).toBe(expected);
  });

  it("[G30.5] has round local times on its axis", () => {
    expect(toTicks({ startMs: START_MS + 3000, stepMs: 1000 }).map(({ label }) => label)).toEqual([
      "10:02:10",
      "10:02:20",
      "10:02:30",
      "10:02:40",
      "10:02:50",
      "10:03:00",
    ]);
    expect(toTicks({ startMs: START_MS, stepMs: 180_000 })[0]).toEqual({ label: "10:30", place: 28 / 180 });
    for (const stepMs of [100, 1000, 5000, 30_000, 180_000, 1_440_000, 10_080_000]) {
      const ticks = toTicks({ startMs: START_MS, stepMs });
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(7);
    }
  });

  it("[G30.5] two steps select the time from the earlier one to the end of the later one", () => {
    const chart = { startMs: START_MS, stepMs: 1000 };
    expect(toStepRange(chart, 40, 10)).toEqual({ fromMs: START_MS + 10_000, toMs: START_MS + 41_000 });
    expect([toStep(-0.1), toStep(0.5), toStep(1)]).toEqual([0, 30, 59]);
    expect(toRangePlace(chart, { fromMs: START_MS + 15_000, toMs: START_MS + 30_000 })).toEqual({ from: 0.25, to: 0.5 });
    expect(toRangePlace(chart, { fromMs: START_MS - 15_000, toMs: START_MS })).toBeUndefined();
    expect(toRangePlace(chart, { fromMs: START_MS + 30_000, toMs: undefined })).toEqual({ from: 0.5, to: 1 });
  });

  it("[G30.5] says what happened in a step", () => {
    const today = new Date();
    today.setHours(10, 2, 0, 0);
    const chart = { startMs: today.getTime(), stepMs: 1000, counts: counts([2, 0, 1], [1, 3, 0]), heldFromMs: undefined };
    expect(toStepText(chart, 0, 0)).toBe("10:02:00 to 10:02:01: 3 changes, 2 created, 1 deleted");
    expect(toStepText(chart, 1, 0)).toBe("10:02:00 to 10:02:02: 7 changes, 3 created, 3 updated, 1 deleted");
    expect(toStepText(chart, 5, 5)).toBe("10:02:05 to 10:02:06: 0 changes");
    expect([formatStep(100), formatStep(5000), formatStep(180_000), formatStep(10_080_000)]).toEqual(["0.1 s", "5 s", "3 min", "2.8 h"]);
  });
});
