/** The numbers of a project in a time, side by side. */
import type { ProjectTraffic } from "@/src/shared/management/traffic";
import { formatBytes, formatCount } from "../format/format-number";
import { formatLatency, formatShare, RANGE_TEXTS } from "./format-traffic";

export function Totals({ totals, range }: Pick<ProjectTraffic, "totals" | "range">) {
  const { requests, errors, writes, deliveries, streams, bytesIn, bytesOut, p50, p99 } = totals;
  const values = [
    { label: "Requests", value: formatCount(requests), note: `${formatBytes(bytesIn)} in, ${formatBytes(bytesOut)} out` },
    { label: "Errors", value: formatCount(errors), note: formatShare(errors, requests), isBad: errors > 0 },
    { label: "Median time", value: formatLatency(p50), note: `99 % within ${formatLatency(p99)}` },
    { label: "Writes", value: formatCount(writes), note: "records changed" },
    { label: "Deliveries", value: formatCount(deliveries), note: "sent to streams" },
    { label: "Streams", value: formatCount(streams), note: "open at most" },
  ];
  return (
    <dl
      aria-label={`Totals ${RANGE_TEXTS[range]}`}
      className="grid grid-cols-6 overflow-hidden rounded-md border border-line bg-line [gap:1px] max-lg:grid-cols-3 max-sm:grid-cols-2"
    >
      {values.map(({ label, value, note, isBad }) => (
        <div key={label} className="flex min-w-0 flex-col bg-surface px-3 py-3">
          <dt className="text-muted">{label}</dt>
          <dd className={`text-title font-semibold ${isBad ? "text-delete" : ""}`}>{value}</dd>
          <dd className="text-data text-muted">{note}</dd>
        </div>
      ))}
    </dl>
  );
}
