/** The usage of a project and its quotas (G20), with a bar for each. */
"use client";

import { useQuery } from "@tanstack/react-query";
import type { ProjectUsage, QuotaName } from "@/src/shared/management/quotas";
import { usageQuery } from "../api/queries";
import { Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { formatBytes, formatCount } from "../format/format-number";

/** The share from which a bar is highlighted. */
const NEARLY_FULL = 0.8;

const QUOTAS: readonly { name: QuotaName; label: string; format: (value: number) => string }[] = [
  { name: "records", label: "Records", format: formatCount },
  { name: "recordBytes", label: "Record data", format: formatBytes },
  { name: "fileBytes", label: "Files", format: formatBytes },
  { name: "users", label: "Users", format: formatCount },
  { name: "endpoints", label: "Endpoints", format: formatCount },
  { name: "answerBytes", label: "Responses kept for Idempotency-Key", format: formatBytes },
];

export function UsageSection({ projectId }: { projectId: string }) {
  const usage = useQuery(usageQuery(projectId));
  return (
    <Section title="Quotas" note="Writes are rejected at a limit. Delete data, or ask this server’s administrator to raise the limit.">
      {usage.data ? (
        <Panel>
          <ul className="grid grid-cols-2 gap-x-10 gap-y-5 max-sm:grid-cols-1">
            {QUOTAS.map(({ name, label, format }) => (
              <UsageBar key={name} label={label} quota={usage.data[name]} format={format} />
            ))}
          </ul>
        </Panel>
      ) : usage.error ? (
        <ProblemPanel what="Couldn’t load usage." error={usage.error} onRetry={usage.refetch} />
      ) : null}
    </Section>
  );
}

function UsageBar({
  label,
  quota: { used, limit },
  format,
}: {
  label: string;
  quota: ProjectUsage[QuotaName];
  format: (value: number) => string;
}) {
  const share = limit === null ? 0 : Math.min(used / limit, 1);
  const text = limit === null ? `${format(used)}, no limit` : `${format(used)} of ${format(limit)}`;
  return (
    <li className="flex min-w-0 flex-col gap-1.5">
      <div className="flex flex-wrap justify-between gap-x-4">
        <span>{label}</span>
        <span className={share >= 1 ? "text-delete" : share >= NEARLY_FULL ? "text-warn" : "text-muted"}>{text}</span>
      </div>
      {/* The text has the same information. */}
      <div aria-hidden="true" className="h-1.5 overflow-hidden rounded-full bg-hover">
        <div
          className={`h-full rounded-full ${share >= 1 ? "bg-delete" : share >= NEARLY_FULL ? "bg-warn" : "bg-control"}`}
          // Small shares stay visible.
          style={{ width: used === 0 || limit === null ? 0 : `max(0.375rem, ${share * 100}%)` }}
        />
      </div>
    </li>
  );
}
