/** Changes per second over the last minute: one bar per second, the newest at the right. */
import { memo } from "react";
import { formatCount } from "../../format/format-number";

const HEIGHT_PX = 20;
const BAR_PX = 2;

/** Rendered once a second, although there can be a flush in every frame. */
export const RateStrip = memo(Bars, (before, after) => before.rates.every((rate, index) => rate === after.rates[index]));

function Bars({ rates }: { rates: readonly number[] }) {
  const most = Math.max(...rates, 1);
  return (
    <svg
      role="img"
      aria-label={`Changes per second over the last minute, up to ${formatCount(Math.max(...rates, 0))}`}
      width={rates.length * BAR_PX}
      height={HEIGHT_PX}
      className="shrink-0 max-lg:hidden"
      shapeRendering="crispEdges"
    >
      <line x1="0" x2={rates.length * BAR_PX} y1={HEIGHT_PX - 0.5} y2={HEIGHT_PX - 0.5} className="stroke-line-firm" />
      {rates.map((rate, index) => {
        const height = rate === 0 ? 0 : Math.max(1, Math.round((rate / most) * (HEIGHT_PX - 2)));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars are identified by their position
          <rect key={index} x={index * BAR_PX} y={HEIGHT_PX - 1 - height} width={BAR_PX - 0.5} height={height} className="fill-muted" />
        );
      })}
    </svg>
  );
}
