/** Requests over time as a small line. The text beside it says the same, so it is hidden from assistive technology. */

const WIDTH = 96;
const HEIGHT = 24;

/** `values`: the oldest first. The last one is still being counted: while it is below the one before, it would show a fall that is none. */
export function Sparkline({ values: counted, className = "" }: { values: readonly number[]; className?: string }) {
  const values = (counted.at(-1) ?? 0) < (counted.at(-2) ?? 0) ? counted.slice(0, -1) : counted;
  const max = Math.max(1, ...values);
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0;
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(HEIGHT - 1.5 - (value / max) * (HEIGHT - 3)).toFixed(1)}`);
  const isFlat = values.every((value) => value === 0);
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className={`h-6 w-24 shrink-0 ${isFlat ? "text-line-firm" : "text-live"} ${className}`}
    >
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.25}
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
