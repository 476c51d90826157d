/** The numbers and texts of the chart above the list. Pure. */
import type { TimeRange } from "@/src/shared/filters/time-range";
import { formatCount, formatPlural } from "../../format/format-number";
import { formatClock, formatMoment } from "../../format/format-time";
import { CHART_STEPS, type ChangeChart } from "../engine/change-chart";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TICKS_MS = [1, 2, 5, 10, 30]
  .map((n) => n * SECOND)
  .concat(
    [1, 2, 5, 10, 30].map((n) => n * MINUTE),
    [1, 3, 6, 12, 24, 48, 168].map((n) => n * HOUR),
  );
const TICKS_MAX = 7;

export interface Tick {
  /** 0 to 1, from the left. */
  place: number;
  label: string;
}

/** The round local times in a chart, a few of them. */
export function toTicks({ startMs, stepMs }: Pick<ChangeChart, "startMs" | "stepMs">): Tick[] {
  const spanMs = stepMs * CHART_STEPS;
  const tickMs = TICKS_MS.find((each) => spanMs / each <= TICKS_MAX) ?? spanMs;
  const zoneMs = new Date(startMs).getTimezoneOffset() * MINUTE;
  const ticks: Tick[] = [];
  for (let atMs = Math.ceil((startMs - zoneMs) / tickMs) * tickMs + zoneMs; atMs < startMs + spanMs; atMs += tickMs) {
    const label = tickMs < MINUTE ? formatClock(atMs).slice(0, 8) : tickMs < 6 * HOUR ? formatClock(atMs).slice(0, 5) : formatMoment(atMs);
    ticks.push({ place: (atMs - startMs) / spanMs, label });
  }
  return ticks;
}

/** The number at the top of the chart: 1, 2 or 5 times a power of ten. */
export function toScaleMax({ counts }: Pick<ChangeChart, "counts">): number {
  let most = 1;
  for (let step = 0; step < counts.length; step += 3) most = Math.max(most, toTotal(counts, step / 3));
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((factor) => factor * power >= most) ?? 10) * power;
}

export function toTotal(counts: readonly number[], step: number): number {
  return (counts[step * 3] ?? 0) + (counts[step * 3 + 1] ?? 0) + (counts[step * 3 + 2] ?? 0);
}

/** The step at a place from 0 to 1. */
export function toStep(place: number): number {
  return Math.min(CHART_STEPS - 1, Math.max(0, Math.floor(place * CHART_STEPS)));
}

/** The time of two steps and of those between them. */
export function toStepRange({ startMs, stepMs }: Pick<ChangeChart, "startMs" | "stepMs">, one: number, other: number): TimeRange {
  return { fromMs: startMs + Math.min(one, other) * stepMs, toMs: startMs + (Math.max(one, other) + 1) * stepMs };
}

/** Where a range lies in the chart, from 0 to 1. Undefined: outside. */
export function toRangePlace(
  { startMs, stepMs }: Pick<ChangeChart, "startMs" | "stepMs">,
  { fromMs, toMs }: TimeRange,
): { from: number; to: number } | undefined {
  const spanMs = stepMs * CHART_STEPS;
  const from = Math.max(0, ((fromMs ?? Number.NEGATIVE_INFINITY) - startMs) / spanMs);
  const to = Math.min(1, ((toMs ?? Number.POSITIVE_INFINITY) - startMs) / spanMs);
  return from < to ? { from, to } : undefined;
}

/** `10:02:10 to 10:02:15: 3 changes, 2 created, 1 deleted`. */
export function toStepText({ startMs, stepMs, counts }: ChangeChart, one: number, other: number): string {
  const [first, last] = [Math.min(one, other), Math.max(one, other)];
  const sums = [0, 1, 2].map((operation) => {
    let sum = 0;
    for (let step = first; step <= last; step += 1) sum += counts[step * 3 + operation] ?? 0;
    return sum;
  });
  const clock = (ms: number) => formatClock(ms).slice(0, stepMs < SECOND ? 10 : 8);
  const day = formatMoment(startMs + first * stepMs).slice(0, -5);
  const time = `${day}${clock(startMs + first * stepMs)} to ${clock(startMs + (last + 1) * stepMs)}`;
  const parts = ["created", "updated", "deleted"].flatMap((name, at) =>
    (sums[at] ?? 0) > 0 ? `${formatCount(sums[at] ?? 0)} ${name}` : [],
  );
  return [
    `${time}: ${formatPlural(
      sums.reduce((sum, each) => sum + each, 0),
      "change",
    )}`,
    ...parts,
  ].join(", ");
}

/** `5 s`, `3 min`. */
export function formatStep(stepMs: number): string {
  if (stepMs < MINUTE) return `${stepMs / SECOND} s`;
  return stepMs < HOUR ? `${stepMs / MINUTE} min` : `${Math.round((stepMs / HOUR) * 10) / 10} h`;
}
