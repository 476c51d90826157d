/** Logged requests as rows that open. Arrow keys move between the rows. */
"use client";

import { ChevronRight } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import type { RequestView } from "@/src/shared/management/traffic";
import { classNames } from "../components/class-names";
import { formatClock } from "../format/format-time";
import { formatLatency } from "./format-traffic";
import { RequestDetail } from "./request-detail";
import type { RequestFilter } from "./traffic-queries";

export function RequestTable({
  projectId,
  requests,
  onFilter,
}: {
  projectId: string;
  requests: readonly RequestView[];
  onFilter: (change: Partial<RequestFilter>) => void;
}) {
  const [openId, setOpenId] = useState<number>();
  return (
    <ul aria-label="Requests, newest first" className="overflow-hidden rounded-md border border-line bg-surface" onKeyDown={moveFocus}>
      {requests.map((request) => (
        <li key={request.id} className="border-b border-line last:border-b-0">
          <RequestRow
            request={request}
            isOpen={request.id === openId}
            onToggle={() => setOpenId(request.id === openId ? undefined : request.id)}
          />
          {request.id === openId ? <RequestDetail projectId={projectId} request={request} onFilter={onFilter} /> : null}
        </li>
      ))}
    </ul>
  );
}

function RequestRow({ request, isOpen, onToggle }: { request: RequestView; isOpen: boolean; onToggle: () => void }) {
  const { at, method, endpoint, status, code, durationMs, seqs } = request;
  return (
    <button
      type="button"
      data-row
      aria-expanded={isOpen}
      onClick={onToggle}
      className="flex min-h-row w-full items-center gap-3 px-3 py-1 text-left tabular-nums transition-colors duration-[120ms] hover:bg-hover focus-visible:-outline-offset-2"
    >
      <ChevronRight
        aria-hidden="true"
        className={classNames("size-3.5 shrink-0 text-muted transition-transform duration-[120ms]", isOpen && "rotate-90")}
      />
      <time dateTime={at} className="shrink-0 font-mono text-data text-muted" suppressHydrationWarning>
        {formatClock(Date.parse(at))}
      </time>
      <span className={`w-9 shrink-0 text-right font-mono text-data ${code === null ? "text-create" : "text-delete"}`}>{status}</span>
      <span className="w-14 shrink-0 font-mono text-data">{method}</span>
      <span className="min-w-0 flex-1 truncate">
        <span className="font-mono text-data">{endpoint ?? "deleted endpoint"}</span>
        {code === null ? null : <span className="pl-3 font-mono text-data text-delete">{code}</span>}
      </span>
      {seqs.length > 0 ? (
        <span className="shrink-0 text-data text-muted max-sm:hidden">
          {seqs.length === 1 ? `change ${seqs[0]}` : `${seqs.length} changes`}
        </span>
      ) : null}
      <span className="w-16 shrink-0 text-right text-data text-muted max-sm:hidden">{formatLatency(durationMs)}</span>
    </button>
  );
}

/** Tab reaches every row; arrows, Home and End are quicker. */
function moveFocus(event: KeyboardEvent<HTMLUListElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.matches(":focus"));
  if (at < 0) return;
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  const row = next === undefined ? undefined : rows[next];
  if (!row) return;
  event.preventDefault();
  row.focus();
}
