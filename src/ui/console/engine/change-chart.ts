/** Counts buffered changes by time and operation, for the chart above the list. Pure. */
import type { TimeRange } from "@/src/shared/filters/time-range";
import type { EventRing } from "./event-ring";

export const CHART_STEPS = 60;
/** The lengths of a step. The chart shows 60 of them. */
const STEPS_MS = [100, 1000, 5000, 30_000, 180_000, 1_440_000, 10_080_000] as const;
/** The spans that can be chosen. */
export const CHART_SPANS_MS = [60_000, 300_000, 1_800_000, 10_800_000, 86_400_000] as const;

export interface ChangeChart {
  /** The beginning of the first step, by the server's clock. */
  startMs: number;
  stepMs: number;
  /** Creations, updates and deletions of each step, oldest first. */
  counts: readonly number[];
  /** Before this time, the console holds only a part of the changes. Undefined: it holds nothing, or the whole log. */
  heldFromMs: number | undefined;
}

/** The steps that a chart shows. It ends at `endMs`, unless it would not show the range of the filter. */
export function toChartSteps({ endMs, spanMs, range }: { endMs: number; spanMs: number; range: TimeRange | undefined }): {
  startMs: number;
  stepMs: number;
} {
  const stepMs = STEPS_MS.find((step) => step * CHART_STEPS >= spanMs) ?? STEPS_MS[STEPS_MS.length - 1] ?? spanMs;
  const following = endAt(endMs, stepMs);
  const fromMs = range?.fromMs ?? range?.toMs;
  const toMs = range?.toMs ?? range?.fromMs;
  if (fromMs === undefined || toMs === undefined || fromMs >= following.startMs) return following;
  // The range with a quarter of its length on both sides.
  const lengthMs = Math.max((toMs - fromMs) * 1.5, spanMs);
  const fitting = STEPS_MS.find((step) => step * CHART_STEPS >= lengthMs) ?? STEPS_MS[STEPS_MS.length - 1] ?? stepMs;
  return endAt(Math.min(endMs, (fromMs + toMs + fitting * CHART_STEPS) / 2), fitting);
}

function endAt(endMs: number, stepMs: number): { startMs: number; stepMs: number } {
  return { startMs: (Math.floor(endMs / stepMs) + 1 - CHART_STEPS) * stepMs, stepMs };
}

/** Reads the whole buffer: two typed arrays, which takes about a millisecond for 100,000 changes. */
export function countChanges(
  ring: EventRing,
  { startMs, stepMs, isWholeLog }: { startMs: number; stepMs: number; isWholeLog: boolean },
): ChangeChart {
  const counts = new Array<number>(CHART_STEPS * 3).fill(0);
  for (let ordinal = ring.first; ordinal < ring.end; ordinal += 1) {
    const step = Math.floor((ring.atMs(ordinal) - startMs) / stepMs);
    const operation = step >= 0 && step < CHART_STEPS ? ring.operation(ordinal) : -1;
    if (operation >= 0) counts[step * 3 + operation] = (counts[step * 3 + operation] ?? 0) + 1;
  }
  const heldFromMs = isWholeLog || ring.denseFirst >= ring.end ? undefined : ring.atMs(ring.denseFirst);
  return { startMs, stepMs, counts, heldFromMs };
}

/** Counts at most once a second, because flushes are far more frequent. */
export class ChartCounter {
  readonly #ring: EventRing;
  #spanMs: number = CHART_SPANS_MS[0];
  #range: TimeRange | undefined;
  #key = "";
  #first = 0;
  #chart: ChangeChart | undefined;

  constructor(ring: EventRing) {
    this.#ring = ring;
  }

  setSpan(spanMs: number): void {
    this.#spanMs = spanMs;
  }
  /** The chart shows this range, if it is not in the steps anyway. */
  setRange(range: TimeRange | undefined): void {
    this.#range = range;
  }

  /** `nowMs`: by the server's clock. `isDetached`: the chart ends with the newest buffered change. */
  read({ nowMs, isDetached, isWholeLog }: { nowMs: number; isDetached: boolean; isWholeLog: boolean }): ChangeChart {
    const ring = this.#ring;
    const endMs = isDetached && ring.end > ring.first ? ring.atMs(ring.end - 1) : nowMs;
    const steps = toChartSteps({ endMs, spanMs: this.#spanMs, range: this.#range });
    const key = `${Math.floor(nowMs / 1000)} ${isWholeLog} ${steps.startMs} ${steps.stepMs}`;
    if (this.#chart && this.#key === key && ring.first >= this.#first) return this.#chart;
    this.#key = key;
    this.#first = ring.first;
    this.#chart = countChanges(ring, { ...steps, isWholeLog });
    return this.#chart;
  }
}
