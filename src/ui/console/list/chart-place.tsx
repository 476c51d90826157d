/** Keeps the place of the chart, which is loaded after the list. */
"use client";

import { type ComponentProps, lazy, Suspense, useSyncExternalStore } from "react";

const ChangeChartView = lazy(() => import("./change-chart-view"));
const never = () => () => undefined;

/** The server does not render the chart, because it does not know the time zone. */
export function ChartPlace(props: ComponentProps<typeof ChangeChartView>) {
  const mounted = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const place = <div className="h-18 shrink-0 border-b border-line [@media(max-height:30rem)]:hidden" />;
  if (!mounted) return place;
  return (
    <Suspense fallback={place}>
      <ChangeChartView {...props} />
    </Suspense>
  );
}
