/** A chart with its title, its legend and its data as a table, for those who cannot see or point at it. */
"use client";

import { lazy, Suspense, useId, useState } from "react";
import { Button } from "../components/button";
import { formatTime } from "../format/format-time";
import type { Series } from "./chart";

const Chart = lazy(() => import("./chart"));

const COLORS: Readonly<Record<Series["color"], string>> = {
  live: "bg-live",
  delete: "bg-delete",
  update: "bg-update",
  create: "bg-create",
  warn: "bg-warn",
  muted: "bg-muted",
};

export function ChartPanel({
  title,
  summary,
  times,
  series,
  format,
}: {
  title: string;
  /** Says in words what the chart shows. */
  summary: string;
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
}) {
  const [isTable, setIsTable] = useState(false);
  const id = useId();
  return (
    <section aria-labelledby={id} className="flex min-w-0 flex-col gap-2 rounded-md border border-line bg-surface pt-3 pb-2">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 pr-2 pl-4">
        <h2 id={id} className="font-medium">
          {title}
        </h2>
        <Button tone="quiet" aria-pressed={isTable} onClick={() => setIsTable(!isTable)}>
          Table
          <span className="sr-only"> of {title}</span>
        </Button>
      </div>
      <p className="px-4 text-muted">{summary}</p>
      {isTable ? (
        <DataTable title={title} times={times} series={series} format={format} />
      ) : (
        <>
          <ul className="flex flex-wrap gap-x-4 px-4 text-data text-muted">
            {series.map(({ label, color }) => (
              <li key={label} className="flex items-center gap-1.5">
                <span aria-hidden="true" className={`h-0.5 w-3 rounded-full ${COLORS[color]}`} />
                {label}
              </li>
            ))}
          </ul>
          <div className="px-2">
            <Suspense fallback={<div style={{ height: 168 }} />}>
              <Chart times={times} series={series} format={format} label={`${title}. ${summary}`} />
            </Suspense>
          </div>
        </>
      )}
    </section>
  );
}

/** The newest step first. Steps in which nothing happened are left out. */
function DataTable({
  title,
  times,
  series,
  format,
}: {
  title: string;
  times: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
}) {
  const steps = times.map((at, index) => ({ at, values: series.map(({ values }) => values[index] ?? null) }));
  const busy = steps.filter(({ values }) => values.some((value) => value !== null && value !== 0)).reverse();
  if (busy.length === 0) return <p className="px-4 py-3 text-muted">Nothing happened in this time.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section aria-label={`Table of ${title}`} tabIndex={0} className="max-h-56 overflow-auto border-t border-line">
      <table className="w-full border-collapse text-data">
        <thead className="sticky top-0 bg-surface">
          <tr className="text-muted">
            <th scope="col" className="h-7 px-4 text-left font-medium">
              Time
            </th>
            {series.map(({ label }) => (
              <th key={label} scope="col" className="px-4 text-right font-medium">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {busy.map(({ at, values }) => (
            <tr key={at} className="border-t border-line">
              <th scope="row" className="h-7 px-4 text-left font-normal whitespace-nowrap text-muted">
                {formatTime(new Date(at * 1000).toISOString())}
              </th>
              {values.map((value, index) => (
                <td key={series[index]?.label} className="px-4 text-right">
                  {value === null ? "–" : format(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
