/** How many changes came in each of the last seconds: one bar a second, the newest at the right. */
import { memo } from "react";
import { formatCount } from "../../format/format-number";

const HEIGHT_PX = 20;
const BAR_PX = 2;

/** Drawn anew once a second, though there are flushes in every frame. */
export const RateStrip = memo(Bars, (before, after) => before.rates.every((rate, index) => rate === after.rates[index]));

function Bars({ rates }: { rates: readonly number[] }) {
  const most = Math.max(...rates, 1);
  return (
    <svg
      role="img"
      aria-label={`Changes a second over the last minute, ${formatCount(Math.max(...rates, 0))} at most`}
      width={rates.length * BAR_PX}
      height={HEIGHT_PX}
      className="shrink-0 max-lg:hidden"
      shapeRendering="crispEdges"
    >
      <line x1="0" x2={rates.length * BAR_PX} y1={HEIGHT_PX - 0.5} y2={HEIGHT_PX - 0.5} className="stroke-line-firm" />
      {rates.map((rate, index) => {
        const height = rate === 0 ? 0 : Math.max(1, Math.round((rate / most) * (HEIGHT_PX - 2)));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
          <rect key={index} x={index * BAR_PX} y={HEIGHT_PX - 1 - height} width={BAR_PX - 0.5} height={height} className="fill-muted" />
        );
      })}
    </svg>
  );
}
