/** The chart above the list: changes over time by operation. Dragging over it, or the keyboard, selects a time, which becomes a part of the filter. */
"use client";

import { type KeyboardEvent, memo, type PointerEvent, useRef, useState } from "react";
import type { TimeRange } from "@/src/shared/filters/time-range";
import { formatCount } from "../../format/format-number";
import { CHART_SPANS_MS, CHART_STEPS, type ChangeChart } from "../engine/change-chart";
import { formatStep, toRangePlace, toScaleMax, toStep, toStepRange, toStepText, toTicks, toTotal } from "./chart-math";

const SPAN_NAMES = ["1 min", "5 min", "30 min", "3 h", "24 h"] as const;
const OPERATION_FILLS = ["fill-create", "fill-update", "fill-delete"] as const;
/** The units of the drawing, which is stretched to its frame. */
const HEIGHT = 100;

interface Props {
  chart: ChangeChart;
  range: TimeRange | undefined;
  spanMs: number;
  onSpan: (spanMs: number) => void;
  /** Undefined: any time. */
  onRange: (range: TimeRange | undefined) => void;
}

/** The step that is pointed at, and the one where a selection began. */
interface Pointed {
  step: number;
  anchor: number | undefined;
}

export default function ChangeChartView({ chart, range, spanMs, onSpan, onRange }: Props) {
  const [pointed, setPointed] = useState<Pointed>();
  const plot = useRef<HTMLDivElement>(null);
  const stepAt = ({ clientX }: PointerEvent) => {
    const box = plot.current?.getBoundingClientRect();
    return box && box.width > 0 ? toStep((clientX - box.left) / box.width) : 0;
  };
  const select = ({ step, anchor = step }: Pointed) => {
    setPointed({ step, anchor: undefined });
    onRange(toStepRange(chart, anchor, step));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { step, anchor } = pointed ?? { step: CHART_STEPS - 1, anchor: undefined };
    if (event.key === "Enter") select({ step, anchor });
    else if (event.key === "Escape" && anchor !== undefined) setPointed({ step, anchor: undefined });
    else if (event.key === "Escape" && range !== undefined) onRange(undefined);
    else {
      const next = { ArrowLeft: step - 1, ArrowRight: step + 1, PageDown: step - 10, PageUp: step + 10, Home: 0, End: CHART_STEPS - 1 }[
        event.key
      ];
      if (next === undefined) return;
      setPointed({ step: Math.min(CHART_STEPS - 1, Math.max(0, next)), anchor: event.shiftKey ? (anchor ?? step) : undefined });
    }
    event.preventDefault();
  };
  const shown = pointed && {
    first: Math.min(pointed.step, pointed.anchor ?? pointed.step),
    last: Math.max(pointed.step, pointed.anchor ?? pointed.step),
  };
  const scaleMax = toScaleMax(chart);
  const selected = range && toRangePlace(chart, range);
  return (
    <section
      aria-label="Changes over time"
      className="@container flex h-18 shrink-0 gap-2 border-b border-line px-4 pt-2 pb-1 text-data text-muted tabular-nums max-sm:px-3 [@media(max-height:30rem)]:hidden"
    >
      <div
        className="flex w-9 shrink-0 flex-col justify-between pb-4 text-right leading-none"
        title={`Changes in ${formatStep(chart.stepMs)}`}
      >
        <span>{formatCount(scaleMax)}</span>
        <span>0</span>
      </div>
      <div className="relative min-w-0 flex-1">
        <div
          ref={plot}
          role="slider"
          tabIndex={0}
          aria-label="Time"
          aria-description="Arrow keys move, with Shift they select. Enter filters by the time, Escape clears it."
          aria-valuemin={0}
          aria-valuemax={CHART_STEPS - 1}
          aria-valuenow={pointed?.step ?? CHART_STEPS - 1}
          aria-valuetext={toStepText(chart, pointed?.step ?? CHART_STEPS - 1, pointed?.anchor ?? pointed?.step ?? CHART_STEPS - 1)}
          onKeyDown={onKeyDown}
          onFocus={() => setPointed((before) => before ?? { step: CHART_STEPS - 1, anchor: undefined })}
          onBlur={() => setPointed(undefined)}
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            const step = stepAt(event);
            setPointed({ step, anchor: step });
          }}
          onPointerMove={(event) => {
            const step = stepAt(event);
            const isDrag = event.buttons === 1;
            setPointed((before) => ({ step, anchor: isDrag ? (before?.anchor ?? step) : undefined }));
          }}
          onPointerUp={(event) => pointed?.anchor !== undefined && select({ step: stepAt(event), anchor: pointed.anchor })}
          onPointerCancel={() => setPointed(undefined)}
          onPointerLeave={(event) => event.buttons === 0 && setPointed(undefined)}
          className="absolute inset-x-0 top-0 bottom-4 cursor-crosshair touch-pan-y border-b border-line-firm select-none"
        >
          <Unheld chart={chart} />
          {selected ? <Band {...selected} className="bg-selected shadow-[inset_1px_0_0_var(--focus),inset_-1px_0_0_var(--focus)]" /> : null}
          {shown ? <Band from={shown.first / CHART_STEPS} to={(shown.last + 1) / CHART_STEPS} className="bg-hover" /> : null}
          <Bars chart={chart} scaleMax={scaleMax} />
        </div>
        <div aria-hidden="true" className="absolute inset-x-0 bottom-0 h-4 overflow-hidden leading-4">
          {toTicks(chart).map(({ place, label }) => (
            <span
              key={label}
              style={{ left: `${place * 100}%` }}
              className={`absolute border-l border-line-firm pl-1 whitespace-nowrap @max-[36rem]:even:hidden ${toTickPlace(place)}`}
            >
              {label}
            </span>
          ))}
        </div>
        {pointed && shown ? (
          <p
            aria-hidden="true"
            style={{
              left: `${(pointed.step / (CHART_STEPS - 1)) * 100}%`,
              transform: `translateX(-${(pointed.step / (CHART_STEPS - 1)) * 100}%)`,
            }}
            className="pointer-events-none absolute top-full z-10 mt-1 w-max max-w-full rounded-md border border-line-firm bg-surface px-2 py-1 text-text"
          >
            {toStepText(chart, shown.first, shown.last)}
          </p>
        ) : null}
      </div>
      <div className="flex shrink-0 flex-col items-end justify-between pb-0.5">
        <select
          aria-label="Time shown"
          value={spanMs}
          onChange={({ target }) => onSpan(Number(target.value))}
          className="h-7 rounded-md border border-control bg-surface px-1 text-text pointer-coarse:h-11"
        >
          {CHART_SPANS_MS.map((each, index) => (
            <option key={each} value={each}>
              {SPAN_NAMES[index]}
            </option>
          ))}
        </select>
        <span className="leading-4 whitespace-nowrap pointer-coarse:hidden">per {formatStep(chart.stepMs)}</span>
      </div>
    </section>
  );
}

/** A label without room at the right end is left out. */
function toTickPlace(place: number): string {
  return place > 0.94 ? "hidden" : place > 0.76 ? "@max-[36rem]:hidden" : "";
}

/** Drawn again only if the numbers have changed. */
const Bars = memo(function Bars({ chart: { counts }, scaleMax }: { chart: ChangeChart; scaleMax: number }) {
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${CHART_STEPS} ${HEIGHT}`}
      preserveAspectRatio="none"
      shapeRendering="crispEdges"
      className="absolute inset-0 size-full"
    >
      {Array.from({ length: CHART_STEPS }, (_, step) => step).flatMap((step) => {
        const total = toTotal(counts, step);
        // Even a single change among thousands is visible.
        const scale = total === 0 ? 0 : Math.max(4, (total / scaleMax) * HEIGHT) / total;
        let top = HEIGHT;
        return OPERATION_FILLS.flatMap((fill, operation) => {
          const height = (counts[step * 3 + operation] ?? 0) * scale;
          top -= height;
          return height === 0 ? [] : <rect key={`${step} ${fill}`} x={step + 0.1} y={top} width={0.8} height={height} className={fill} />;
        });
      })}
    </svg>
  );
});

/** The part of which the console holds only some changes, or none. */
function Unheld({ chart }: { chart: ChangeChart }) {
  const place = chart.heldFromMs === undefined ? undefined : toRangePlace(chart, { fromMs: undefined, toMs: chart.heldFromMs });
  return place ? <Band {...place} className="bg-inset" title="Changes of this time are not loaded. Select it to search the log." /> : null;
}

function Band({ from, to, className, title }: { from: number; to: number; className: string; title?: string }) {
  return (
    <div title={title} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} className={`absolute inset-y-0 ${className}`} />
  );
}
