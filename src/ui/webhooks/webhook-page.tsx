/** One webhook: its state, its settings, and its deliveries. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { type ReactNode, useState } from "react";
import type { WebhookTested, WebhookView } from "@/src/shared/management/webhooks";
import { webhookQuery, webhooksQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { DangerSection, Page, Panel, Section } from "../components/page/page";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { FormFailure } from "../forms/form-failure";
import { NameConfirmation } from "../forms/name-confirmation";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";
import { DeliveriesSection } from "./deliveries-section";
import { ReplayDialog } from "./replay-dialog";
import { RotateSecretDialog } from "./rotate-secret-dialog";
import { WebhookDialog } from "./webhook-dialog";
import { toEndpointsText, toHostName, toWebhookState } from "./webhook-state";

type Opened = "edit" | "replay" | "rotate" | "delete" | null;

export function WebhookPage({ webhook: loaded }: { webhook: WebhookView }) {
  const { id, projectId } = loaded;
  const client = useQueryClient();
  const router = useRouter();
  const { data: webhook = loaded } = useQuery(webhookQuery(id));
  const [opened, setOpened] = useState<Opened>(null);
  const close = () => setOpened(null);
  const turn = useAction(async (action: "pause" | "resume") => {
    const saved = await requestJson<WebhookView>(`webhooks/${id}/${action}`, { method: "POST" });
    client.setQueryData(webhookQuery(id).queryKey, saved);
    notify(action === "pause" ? "Webhook paused." : "Webhook resumed.");
  });
  const [tested, setTested] = useState<WebhookTested>();
  const test = useAction(async () => {
    setTested(undefined);
    setTested(await requestJson<WebhookTested>(`webhooks/${id}/test`, { method: "POST" }));
  });
  const remove = async () => {
    await requestJson(`webhooks/${id}`, { method: "DELETE" });
    void client.invalidateQueries({ queryKey: webhooksQuery(projectId).queryKey });
    notify("Webhook deleted.");
    router.push(`/p/${projectId}/webhooks`);
  };
  const isPaused = webhook.state === "paused";
  const actions = (
    <>
      <Button busy={turn.pending} onClick={() => turn.run(isPaused ? "resume" : "pause")}>
        {isPaused ? "Resume" : "Pause"}
      </Button>
      <Button busy={test.pending} onClick={() => test.run()}>
        Send test event
      </Button>
      <Button onClick={() => setOpened("edit")}>Edit</Button>
    </>
  );
  return (
    <Page title={toHostName(webhook.url)} note={<span className="font-mono text-data wrap-anywhere">{webhook.url}</span>} actions={actions}>
      <div className="flex flex-col gap-3">
        <FormFailure failure={turn.failure ?? test.failure} />
        <p role="status" className={`wrap-anywhere empty:hidden ${tested?.delivered ? "text-create" : "text-delete"}`}>
          {tested ? toTestText(tested) : ""}
        </p>
        <State webhook={webhook} />
      </div>
      <DeliveriesSection webhookId={id} onReplay={() => setOpened("replay")} />
      <Section title="Secret" note="Signs each request as Standard Webhooks describes. It’s shown only when it is created.">
        <Panel>
          <div className="flex flex-wrap items-center justify-between gap-3">
            {webhook.previousSecretUntil === null ? (
              <Badge>One secret</Badge>
            ) : (
              <span>
                The previous secret works until <RelativeTime time={webhook.previousSecretUntil} />.
              </span>
            )}
            <Button onClick={() => setOpened("rotate")}>Rotate secret</Button>
          </div>
        </Panel>
      </Section>
      <DangerSection title="Delete this webhook" note="Its deliveries are permanently deleted too, including those not sent yet.">
        <Button onClick={() => setOpened("delete")}>Delete webhook</Button>
      </DangerSection>
      <WebhookDialog projectId={projectId} webhook={webhook} open={opened === "edit"} onClose={close} />
      <ReplayDialog webhookId={id} open={opened === "replay"} onClose={close} />
      <RotateSecretDialog webhookId={id} open={opened === "rotate"} onClose={close} />
      <NameConfirmation
        open={opened === "delete"}
        onOpenChange={(open) => open || close()}
        title="Delete webhook"
        name={toHostName(webhook.url)}
        action="Delete webhook"
        consequences={<p>Undelivered changes won’t be sent. This can’t be undone. To stop it for a while, pause it.</p>}
        onConfirm={remove}
      />
    </Page>
  );
}

function toTestText({ delivered, status, error, excerpt, durationMs }: WebhookTested): string {
  if (delivered) return `Test event delivered: the receiver responded with ${status} after ${durationMs} ms.`;
  return `Test event not delivered. ${error ?? ""}${excerpt === null ? "" : ` Response: ${excerpt}`}`;
}

function State({ webhook }: { webhook: WebhookView }) {
  const { label, tone, detail } = toWebhookState(webhook);
  return (
    <Panel>
      <dl className="grid grid-cols-4 gap-x-6 gap-y-4 max-md:grid-cols-2">
        <Fact label="State">
          <Badge tone={tone}>{label}</Badge>
        </Fact>
        <Fact label="Last delivery">
          <RelativeTime time={webhook.lastDeliveredAt} />
        </Fact>
        <Fact label="Unread changes">{formatCount(webhook.lag)}</Fact>
        <Fact label="Parked deliveries">{formatCount(webhook.parked)}</Fact>
        <Fact label="Endpoints">{toEndpointsText(webhook)}</Fact>
        <Fact label="Changes">{webhook.operations.join(", ")}</Fact>
        <Fact label="Filter">
          {webhook.filter === null ? (
            <span className="text-muted">None</span>
          ) : (
            <code className="text-data wrap-anywhere">{webhook.filter}</code>
          )}
        </Fact>
        <Fact label="Created">
          <RelativeTime time={webhook.createdAt} />
          {webhook.createdBy === null ? null : ` by ${webhook.createdBy.name}`}
        </Fact>
      </dl>
      {detail ? (
        <p role="status" className="pt-4 text-muted wrap-anywhere">
          {detail}
        </p>
      ) : null}
    </Panel>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-data text-muted">{label}</dt>
      <dd className="wrap-anywhere">{children}</dd>
    </div>
  );
}
