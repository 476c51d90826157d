/** The webhooks of a project. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { webhooksQuery } from "../api/queries";
import { Button } from "../components/button";
import { EmptyState } from "../components/page/empty-state";
import { Page, Panel } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { WebhookDialog } from "./webhook-dialog";
import { WebhooksTable } from "./webhooks-table";

export function WebhooksPage({ projectId }: { projectId: string }) {
  const { data: webhooks, error, refetch } = useQuery(webhooksQuery(projectId));
  const [creating, setCreating] = useState(false);
  const create = (
    <Button tone="primary" onClick={() => setCreating(true)}>
      Create webhook
    </Button>
  );
  return (
    <Page title="Webhooks" note="Send each change to a URL: signed, in order, with retries." actions={create}>
      {webhooks ? (
        webhooks.length === 0 ? (
          <EmptyState sentence="No webhooks yet. A webhook sends each change to a URL of yours." action={create} />
        ) : (
          <Panel padded={false}>
            <WebhooksTable projectId={projectId} webhooks={webhooks} />
          </Panel>
        )
      ) : error ? (
        <ProblemPanel what="Couldn’t load the webhooks." error={error} onRetry={() => void refetch()} />
      ) : null}
      <WebhookDialog projectId={projectId} webhook={null} open={creating} onClose={() => setCreating(false)} />
    </Page>
  );
}
