/** A table of webhooks. Each row opens the webhook. On narrow windows each row becomes a card. */
import Link from "next/link";
import type { ReactNode } from "react";
import type { WebhookView } from "@/src/shared/management/webhooks";
import { Badge } from "../components/badge";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { toEndpointsText, toWebhookState } from "./webhook-state";

const COLUMNS = ["Webhook", "Last delivery", "Unread", "Parked", "State"];

export function WebhooksTable({ projectId, webhooks }: { projectId: string; webhooks: readonly WebhookView[] }) {
  return (
    <div className="@container">
      <table className="w-full text-left @max-[45rem]:block">
        <thead className="@max-[45rem]:sr-only">
          <tr className="border-b text-muted">
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="h-row px-3 font-medium whitespace-nowrap first:pl-5 last:pr-5">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="@max-[45rem]:block">
          {webhooks.map((webhook) => (
            <WebhookRow key={webhook.id} projectId={projectId} webhook={webhook} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WebhookRow({ projectId, webhook }: { projectId: string; webhook: WebhookView }) {
  const { label, tone, detail } = toWebhookState(webhook);
  return (
    <tr className="relative border-b last:border-b-0 hover:bg-hover @max-[45rem]:grid @max-[45rem]:grid-cols-4 @max-[45rem]:gap-x-4 @max-[45rem]:gap-y-2 @max-[45rem]:px-4 @max-[45rem]:py-3">
      <th scope="row" className="max-w-80 py-2 pr-3 pl-5 font-normal @max-[45rem]:col-span-4 @max-[45rem]:max-w-none @max-[45rem]:p-0">
        <Link
          href={`/p/${projectId}/webhooks/${webhook.id}`}
          className="block truncate font-mono text-data no-underline after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
          title={webhook.url}
        >
          {webhook.url}
        </Link>
        <span className="block truncate text-muted">
          {toEndpointsText(webhook)} · {webhook.operations.join(", ")}
          {webhook.filter === null ? "" : " · filtered"}
        </span>
      </th>
      <Cell label="Last delivery">
        <RelativeTime time={webhook.lastDeliveredAt} />
      </Cell>
      <Cell label="Unread">{formatCount(webhook.lag)}</Cell>
      <Cell label="Parked">{formatCount(webhook.parked)}</Cell>
      <Cell label="State">
        <span title={detail}>
          <Badge tone={tone}>{label}</Badge>
        </span>
      </Cell>
    </tr>
  );
}

function Cell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <td className="px-3 py-2 whitespace-nowrap last:pr-5 @max-[45rem]:p-0">
      <span aria-hidden="true" className="hidden text-data text-muted @max-[45rem]:block">
        {label}
      </span>
      {children}
    </td>
  );
}
