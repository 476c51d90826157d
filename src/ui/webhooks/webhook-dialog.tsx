/** Creates a webhook and shows its secret once, or changes one. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import type { WebhookView, WebhookWithSecret } from "@/src/shared/management/webhooks";
import { CHANGE_TYPES } from "@/src/shared/streams/protocol";
import { webhookQuery, webhooksQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { TextAreaField, TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { bySchema } from "../forms/by-schema";
import { CancelButton } from "../forms/cancel-button";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readTexts } from "../forms/drafts/stored-state";
import { FormFailure } from "../forms/form-failure";
import { SecretOnce } from "../forms/secret-once";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";
import { EndpointFields, OperationFields } from "./choice-fields";

interface Props {
  projectId: string;
  /** Null: a new one. */
  webhook: WebhookView | null;
  open: boolean;
  onClose: () => void;
}

export function WebhookDialog({ projectId, webhook, open, onClose }: Props) {
  const first = useRef<HTMLInputElement>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const close = () => {
    setSecret(null);
    onClose();
  };
  const title = secret !== null ? "Your webhook’s secret" : webhook ? "Edit webhook" : "Create a webhook";
  return (
    <Dialog initialFocus={first} open={open} onOpenChange={(next) => next || close()} title={title} isHeld={secret !== null}>
      {secret === null ? (
        <WebhookForm projectId={projectId} webhook={webhook} first={first} onCreated={setSecret} onClose={close} />
      ) : (
        <div className="flex flex-col gap-4">
          <p className="text-muted">The receiver verifies with it that requests come from this server.</p>
          <SecretOnce secret={secret} what="the secret" onDone={close} />
        </div>
      )}
    </Dialog>
  );
}

function WebhookForm({
  projectId,
  webhook,
  first,
  onCreated,
  onClose,
}: Omit<Props, "open"> & { first: RefObject<HTMLInputElement | null>; onCreated: (secret: string) => void }) {
  const client = useQueryClient();
  const [endpoints, setEndpoints] = useState<readonly string[] | null>(webhook?.endpoints ?? null);
  const [operations, setOperations] = useState<readonly string[]>(webhook?.operations ?? CHANGE_TYPES);
  const restore = (state: unknown) => {
    const kept = readTexts(state, "endpoints");
    setEndpoints(kept === undefined ? (webhook?.endpoints ?? null) : kept);
    setOperations(readTexts(state, "operations") ?? webhook?.operations ?? CHANGE_TYPES);
  };
  const form = useForm({
    // The schema of changes is the same without `from`, which this form does not send.
    check: bySchema(async () => {
      const { webhookCreateSchema } = await import("@/src/shared/management/webhooks");
      return webhookCreateSchema;
    }),
    toBody: ({ url, filter = "" }) => ({ url, endpoints, operations, filter: filter.trim() === "" ? null : filter.trim() }),
    draft: { name: webhook ? `webhook/${webhook.id}` : `new-webhook/${projectId}`, state: { endpoints, operations }, restore },
    submit: async (body) => {
      if (webhook) {
        const saved = await requestJson<WebhookView>(`webhooks/${webhook.id}`, { method: "PATCH", body });
        client.setQueryData(webhookQuery(webhook.id).queryKey, saved);
        notify("Webhook saved.");
        onClose();
      } else {
        const created = await requestJson<WebhookWithSecret>(`projects/${projectId}/webhooks`, { method: "POST", body });
        onCreated(created.secret);
      }
      void client.invalidateQueries({ queryKey: webhooksQuery(projectId).queryKey });
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="this webhook" />
      <TextField
        name="url"
        type="url"
        label="URL"
        placeholder="https://example.com/hooks"
        defaultValue={webhook?.url}
        problem={form.problemOf("url")}
        ref={first}
      />
      <EndpointFields projectId={projectId} chosen={endpoints} problem={form.problemOf("endpoints")} onChange={setEndpoints} />
      <OperationFields chosen={operations} problem={form.problemOf("operations")} onChange={setOperations} />
      <TextAreaField
        name="filter"
        label="Filter"
        mono
        rows={2}
        placeholder="data.total > 100"
        defaultValue={webhook?.filter ?? ""}
        hint="A JSONata expression on the record. Leave empty to send every change."
        problem={form.problemOf("filter")}
      />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>{webhook ? "Save" : "Create webhook"}</SubmitButton>
        <CancelButton form={form} onCancel={onClose} />
      </DialogActions>
    </form>
  );
}
