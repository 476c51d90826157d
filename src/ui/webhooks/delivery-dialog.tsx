/** One delivery: its last try, the beginning of the response, and sending it again. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { DeliveryView } from "@/src/shared/management/webhooks";
import { requestJson } from "../api/request";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { CopyButton } from "../components/copy-button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";
import { toDeliveryState } from "./webhook-state";

/** `delivery` null: closed. */
export function DeliveryDialog({
  webhookId,
  delivery,
  onClose,
}: {
  webhookId: string;
  delivery: DeliveryView | null;
  onClose: () => void;
}) {
  const client = useQueryClient();
  // Kept while the dialog fades out.
  const [last, setLast] = useState(delivery);
  if (delivery && delivery !== last) setLast(delivery);
  const { run, pending, failure, reset } = useAction(async () => {
    if (!delivery) return;
    await requestJson(`webhooks/${webhookId}/deliveries/${delivery.id}/resend`, { method: "POST" });
    notify("Sending again.");
    close();
    await client.invalidateQueries({ queryKey: ["webhook-deliveries", webhookId] });
  });
  const close = () => {
    reset();
    onClose();
  };
  return (
    <Dialog open={delivery !== null} onOpenChange={(open) => open || close()} title="Delivery">
      {last ? (
        <div className="flex flex-col gap-4">
          <Facts delivery={last} />
          {last.error ? <p className="text-delete wrap-anywhere">{last.error}</p> : null}
          {last.excerpt ? <CodeBlock title="Beginning of the response" code={last.excerpt} what="the response" /> : null}
          <FormFailure failure={failure} />
          <DialogActions>
            <Button tone="primary" busy={pending} onClick={() => run()}>
              Send again
            </Button>
            <Button onClick={close}>Close</Button>
          </DialogActions>
        </div>
      ) : null}
    </Dialog>
  );
}

function Facts({ delivery }: { delivery: DeliveryView }) {
  const { type, endpoint, uniqueId, seq, eventId, attempts, status, durationMs, firstAt, lastAt, nextAt } = delivery;
  const { label, tone, detail } = toDeliveryState(delivery);
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-3">
      <Fact label="State">
        <Badge tone={tone}>{label}</Badge>
        {detail ? <span className="block text-muted">{detail}</span> : null}
      </Fact>
      <Fact label="Response">
        {status ?? "None"}
        {durationMs === null ? "" : ` in ${formatCount(durationMs)} ms`}
      </Fact>
      <Fact label="Change">
        {type} #{formatCount(seq)} of <span className="wrap-anywhere">{endpoint}</span>
      </Fact>
      <Fact label="Tries">{formatCount(attempts)}</Fact>
      <Fact label="First try">
        <RelativeTime time={firstAt} />
      </Fact>
      <Fact label={nextAt === null ? "Last try" : "Next try"}>
        <RelativeTime time={nextAt ?? lastAt} />
      </Fact>
      {uniqueId === null ? null : (
        <Fact label="Record" wide>
          <code className="text-data wrap-anywhere">{uniqueId}</code>
        </Fact>
      )}
      <Fact label="webhook-id" wide>
        <span className="flex items-center gap-1">
          <code className="text-data wrap-anywhere">{eventId}</code>
          <CopyButton text={eventId} what="the id" />
        </span>
      </Fact>
    </dl>
  );
}

function Fact({ label, wide = false, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={wide ? "col-span-2 min-w-0" : "min-w-0"}>
      <dt className="text-data text-muted">{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
