/** Replaces the secret of a webhook, and shows the new one once. Both sign for a grace period. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { WebhookWithSecret } from "@/src/shared/management/webhooks";
import { webhookQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Segments } from "../components/segments";
import { FormFailure } from "../forms/form-failure";
import { SecretOnce } from "../forms/secret-once";
import { useAction } from "../forms/use-action";

const GRACES = [
  { value: "0", label: "0 min" },
  { value: "3600", label: "1 h" },
  { value: "86400", label: "24 h" },
  { value: "604800", label: "7 days" },
] as const;
type Grace = (typeof GRACES)[number]["value"];

export function RotateSecretDialog({ webhookId, open, onClose }: { webhookId: string; open: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const [grace, setGrace] = useState<Grace>("86400");
  const [secret, setSecret] = useState<string | null>(null);
  const { run, pending, failure, reset } = useAction(async () => {
    const body = { graceSeconds: Number(grace) };
    const { secret: created, ...webhook } = await requestJson<WebhookWithSecret>(`webhooks/${webhookId}/rotate-secret`, {
      method: "POST",
      body,
    });
    client.setQueryData(webhookQuery(webhookId).queryKey, webhook);
    setSecret(created);
  });
  const close = () => {
    setSecret(null);
    reset();
    onClose();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => next || close()}
      title={secret === null ? "Rotate secret" : "Your new secret"}
      isHeld={secret !== null}
    >
      {secret === null ? (
        <div className="flex flex-col gap-4">
          <Segments
            label="Keep signing with the old secret for"
            value={grace}
            options={GRACES}
            onChange={setGrace}
            hint={
              grace === "0"
                ? "Requests are signed with the new secret only, from now on."
                : "Requests have a signature of each secret. Give the receiver the new one within this time."
            }
          />
          <FormFailure failure={failure} />
          <DialogActions>
            <Button tone="primary" busy={pending} onClick={() => run()}>
              Rotate secret
            </Button>
            <Button onClick={close}>Cancel</Button>
          </DialogActions>
        </div>
      ) : (
        <SecretOnce secret={secret} what="the secret" onDone={close} />
      )}
    </Dialog>
  );
}
