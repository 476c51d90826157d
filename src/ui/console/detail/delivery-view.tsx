/** Which of the streams that are open now receive a change, and why the others do not (G17). */
"use client";

import { useQuery } from "@tanstack/react-query";
import type { Deliveries, DeliveryVerdict } from "@/src/shared/management/schemas";
import { deliveriesQuery } from "../../api/queries";
import { Badge } from "../../components/badge";
import { ProblemPanel } from "../../components/page/problem-panel";
import { Spinner } from "../../components/spinner";
import { formatPlural } from "../../format/format-number";
import { formatClock } from "../../format/format-time";
import type { StreamEvent } from "../../stream/stream-event";
import { shortenExpression, toClientName } from "../../stream/stream-name";
import { WrittenBy } from "./written-by";

const LABELS: Readonly<Record<DeliveryVerdict, string>> = {
  sent: "Delivered",
  waiting: "Pending",
  refused: "No access",
  filtered: "Filtered out",
  later: "Connected later",
};
const TONES = { sent: "live", waiting: "warn", refused: "plain", filtered: "plain", later: "plain" } as const;

export function DeliveryView({ endpointId, event }: { endpointId: string; event: StreamEvent }) {
  const { data, error, refetch } = useQuery(deliveriesQuery(endpointId, event.seq));
  if (error) return <ProblemPanel what="Couldn’t load delivery info." error={error} onRetry={() => void refetch()} />;
  if (!data) return <Spinner />;
  return (
    <div className="flex flex-col gap-4">
      <Times committedMs={Date.parse(data.at)} receivedMs={event.receivedMs} />
      <WrittenBy endpointId={endpointId} seq={event.seq} />
      <p className="text-muted">{toSentence(data)}</p>
      <ul aria-label="Open streams" className="flex flex-col divide-y divide-line border-y border-line">
        {data.streams.map((stream) => (
          <li key={stream.id} className="flex flex-col gap-1 py-2.5">
            <span className="flex flex-wrap items-baseline justify-between gap-x-3">
              <span className="font-medium wrap-anywhere">{toClientName(stream)}</span>
              <Badge tone={TONES[stream.verdict]}>{LABELS[stream.verdict]}</Badge>
            </span>
            <span className="text-muted">{stream.reason}</span>
            {stream.filter === null ? null : <code className="text-data wrap-anywhere">{shortenExpression(stream.filter)}</code>}
          </li>
        ))}
      </ul>
      {data.total > data.streams.length ? <p className="text-muted">and {data.total - data.streams.length} more</p> : null}
    </div>
  );
}

function Times({ committedMs, receivedMs }: { committedMs: number; receivedMs: number }) {
  const isLive = !Number.isNaN(receivedMs);
  return (
    <dl className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-x-3 text-data leading-5">
      <dt className="text-muted">Committed</dt>
      <dd className="font-mono">{formatClock(committedMs)}</dd>
      <dt className="text-muted">Received</dt>
      <dd className="font-mono">
        {isLive ? formatClock(receivedMs) : "from the log"}
        {isLive ? <span className="text-muted"> ({toLag(receivedMs - committedMs)})</span> : null}
      </dd>
    </dl>
  );
}

/** A delay beyond this is that of a clock. */
const LAG_MS_MAX = 60_000;

/** The two times are from two clocks, so their difference can be anything. */
function toLag(ms: number): string {
  if (ms < 0 || ms > LAG_MS_MAX) return "this computer’s clock differs from the server’s";
  return `+${Math.round(ms).toLocaleString("en")} ms, clocks may differ`;
}

function toSentence({ owner, streams, total }: Deliveries): string {
  const ownership = owner === null ? "This record has no owner." : `This record belongs to ${owner}.`;
  if (total === 0) return `${ownership} No clients are connected.`;
  const count = streams.filter(({ verdict }) => verdict === "sent" || verdict === "waiting").length;
  return total > streams.length ? ownership : `${ownership} The change goes to ${count} of ${formatPlural(total, "open stream")}.`;
}
