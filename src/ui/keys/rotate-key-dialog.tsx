/** Replaces a key with a new one. Both work for a grace period. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ManagedKey, RotatedKey } from "@/src/shared/management/schemas";
import { keysQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Segments } from "../components/segments";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";
import { KeyStreams } from "./key-streams";

const GRACES = [
  { value: "0", label: "0 min" },
  { value: "900", label: "15 min" },
  { value: "3600", label: "1 h" },
  { value: "86400", label: "24 h" },
] as const;
type Grace = (typeof GRACES)[number]["value"];

const HINTS: Readonly<Record<Grace, string>> = {
  "0": "The old key stops working immediately.",
  "900": "The old key works for 15 more minutes.",
  "3600": "The old key works for one more hour.",
  "86400": "The old key works for 24 more hours.",
};

/** `managedKey` null: closed. */
export function RotateKeyDialog({
  managedKey,
  onClose,
  onRotated,
}: {
  managedKey: ManagedKey | null;
  onClose: () => void;
  /** `keyId`: the new key. */
  onRotated: (keyId: string) => void;
}) {
  return (
    <Dialog
      open={managedKey !== null}
      onOpenChange={(open) => open || onClose()}
      title="Rotate key"
      description={`The new key has the name and scope of “${managedKey?.name ?? ""}”. Replace the old key before it expires.`}
    >
      {managedKey ? <RotateKeyForm managedKey={managedKey} onClose={onClose} onRotated={onRotated} /> : null}
    </Dialog>
  );
}

function RotateKeyForm({
  managedKey,
  onClose,
  onRotated,
}: {
  managedKey: ManagedKey;
  onClose: () => void;
  onRotated: (keyId: string) => void;
}) {
  const client = useQueryClient();
  const [grace, setGrace] = useState<Grace>("3600");
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).keyRotateSchema),
    toBody: () => ({ graceSeconds: Number(grace) }),
    submit: async (body) => {
      const { id } = await requestJson<RotatedKey>(`keys/${managedKey.id}/rotate`, { method: "POST", body });
      await client.invalidateQueries({ queryKey: keysQuery(managedKey.projectId).queryKey });
      notify(`Key ${managedKey.name} rotated. The new key is first in the list.`);
      onClose();
      onRotated(id);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <Segments label="Keep the old key working for" value={grace} options={GRACES} onChange={setGrace} hint={HINTS[grace]} />
      <KeyStreams managedKey={managedKey} when={grace === "0" ? "immediately" : "when the old key ends"} />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Rotate key</SubmitButton>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </form>
  );
}
