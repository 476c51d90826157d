/** The webhooks of a project. */
"use client";

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { webhooksQuery } from "../api/queries";
import { Button } from "../components/button";
import { CodeBlock } from "../components/code-block";
import { EmptyState } from "../components/page/empty-state";
import { Page, Panel } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { WebhookDialog } from "./webhook-dialog";
import { WebhooksTable } from "./webhooks-table";

const EXAMPLE_REQUEST = `POST /hooks HTTP/1.1
Content-Type: application/json
webhook-id: 0192f5a0c3b87d4e9f00112233445566-4f1c…-17-9a3b5c7d
webhook-timestamp: 1893499200
webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=

{"type":"POST","timestamp":"2030-01-01T12:00:00.000Z","endpoint":"orders","record":{"uniqueId":"…","data":{"total":120}, …},"cursor":"4f1c…"}`;

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
          <EmptyState sentence="No webhooks yet. A webhook sends each change to a URL that you choose." action={create}>
            <CodeBlock title="What your server receives" what="the example request" code={EXAMPLE_REQUEST} />
          </EmptyState>
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
