/** The last deliveries of a webhook, with a filter by state, and a dialog for each. */
"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { DeliveryView } from "@/src/shared/management/webhooks";
import { webhookDeliveriesQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { RelativeTime } from "../components/relative-time";
import { Segments } from "../components/segments";
import { formatCount } from "../format/format-number";
import { DeliveryDialog } from "./delivery-dialog";
import { toDeliveryState } from "./webhook-state";

const STATES = [
  { value: "", label: "All" },
  { value: "delivered", label: "Delivered" },
  { value: "retrying", label: "Retrying" },
  { value: "waiting", label: "Waiting" },
  { value: "failed", label: "Failed" },
] as const;
type Shown = (typeof STATES)[number]["value"];

const HEAD = "h-8 px-3 text-data font-medium text-muted whitespace-nowrap";
const CELL = "h-row px-3 whitespace-nowrap";

export function DeliveriesSection({ webhookId, onReplay }: { webhookId: string; onReplay: () => void }) {
  const [state, setState] = useState<Shown>("");
  // The cursors at which the pages start, up to the current page.
  const [starts, setStarts] = useState<readonly string[]>([""]);
  const before = starts.at(-1) ?? "";
  const query = useQuery({ ...webhookDeliveriesQuery(webhookId, { state, before }), placeholderData: keepPreviousData });
  const { data, error, refetch } = query;
  const [chosen, setChosen] = useState<DeliveryView | null>(null);
  // Keeps the dialog up to date.
  const current = data?.deliveries.find(({ id }) => id === chosen?.id) ?? chosen;
  const next = data?.next;
  return (
    <Section title="Deliveries" note="The last 1,000, for seven days." actions={<Button onClick={onReplay}>Replay</Button>}>
      <div className="max-w-full overflow-x-auto">
        <Segments
          label="State"
          hideLabel
          value={state}
          options={STATES}
          onChange={(value) => {
            setState(value);
            setStarts([""]);
          }}
        />
      </div>
      {error ? <ProblemPanel what="Couldn’t load the deliveries." error={error} onRetry={() => void refetch()} /> : null}
      {data ? (
        data.deliveries.length === 0 ? (
          <p className="text-muted">{state === "" ? "Nothing has been sent yet." : "No deliveries in this state."}</p>
        ) : (
          <Panel padded={false}>
            <DeliveriesTable deliveries={data.deliveries} onChoose={setChosen} />
          </Panel>
        )
      ) : null}
      {starts.length > 1 || next ? (
        <div className="flex gap-2">
          <Button disabled={starts.length === 1} onClick={() => setStarts(starts.slice(0, -1))}>
            Newer
          </Button>
          <Button disabled={!next} onClick={() => next && setStarts([...starts, next])}>
            Older
          </Button>
        </div>
      ) : null}
      <DeliveryDialog webhookId={webhookId} delivery={current} onClose={() => setChosen(null)} />
    </Section>
  );
}

function DeliveriesTable({ deliveries, onChoose }: { deliveries: readonly DeliveryView[]; onChoose: (delivery: DeliveryView) => void }) {
  return (
    <table className="w-full border-collapse text-left">
      <thead>
        <tr className="border-b border-line">
          <th scope="col" className={`${HEAD} w-full pl-5`}>
            Change
          </th>
          <th scope="col" className={HEAD}>
            State
          </th>
          <th scope="col" className={`${HEAD} max-sm:hidden`}>
            Response
          </th>
          <th scope="col" className={`${HEAD} text-right max-sm:hidden`}>
            Tries
          </th>
          <th scope="col" className={`${HEAD} pr-5 text-right`}>
            Last try
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <DeliveryRow key={delivery.id} delivery={delivery} onChoose={() => onChoose(delivery)} />
        ))}
      </tbody>
    </table>
  );
}

function DeliveryRow({ delivery, onChoose }: { delivery: DeliveryView; onChoose: () => void }) {
  const { type, endpoint, seq, status, durationMs, attempts, lastAt } = delivery;
  const { label, tone, detail } = toDeliveryState(delivery);
  return (
    <tr className="relative border-b border-line transition-colors duration-[120ms] last:border-b-0 hover:bg-hover">
      <th scope="row" className={`${CELL} max-w-0 pl-5 font-normal`}>
        <button
          type="button"
          onClick={onChoose}
          className="block w-full truncate text-left font-mono text-data after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
        >
          #{formatCount(seq)} {type} {endpoint}
        </button>
      </th>
      <td className={CELL} title={detail}>
        <Badge tone={tone}>{label}</Badge>
      </td>
      <td className={`${CELL} text-muted max-sm:hidden`}>
        {status ?? "None"}
        {durationMs === null ? "" : ` in ${formatCount(durationMs)} ms`}
      </td>
      <td className={`${CELL} text-right max-sm:hidden`}>{formatCount(attempts)}</td>
      <td className={`${CELL} pr-5 text-right text-muted`}>
        <RelativeTime time={lastAt} />
      </td>
    </tr>
  );
}
