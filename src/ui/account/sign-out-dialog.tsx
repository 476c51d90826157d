/** Ends all other sessions of the account, and optionally revokes its management tokens. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sessionsQuery, tokensQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Switch } from "../components/switch";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { notify } from "../notifications/notify";

export function SignOutDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => next || onClose()}
      title="Sign out everywhere else"
      description="This ends your sessions and their streams in all other browsers. You stay signed in here."
    >
      <SignOutForm onClose={onClose} />
    </Dialog>
  );
}

function SignOutForm({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [withTokens, setWithTokens] = useState(false);
  const signOut = useAction(async () => {
    await requestJson(`account/sessions${withTokens ? "?tokens=true" : ""}`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: sessionsQuery().queryKey });
    void client.invalidateQueries({ queryKey: tokensQuery().queryKey });
    notify(withTokens ? "Signed out everywhere else and revoked all tokens." : "Signed out everywhere else.");
    onClose();
  });
  return (
    <div className="flex flex-col gap-4">
      <RevokeTokens checked={withTokens} onChange={setWithTokens} />
      <FormFailure failure={signOut.failure} />
      <DialogActions>
        <Button tone="danger" busy={signOut.pending} onClick={() => signOut.run()}>
          Sign out everywhere else
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </DialogActions>
    </div>
  );
}

/** The choice to revoke management tokens as well. */
export function RevokeTokens({ checked, onChange }: { checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <Switch
      label="Revoke management tokens too"
      hint="Programs that use them lose access immediately. This can’t be undone."
      checked={checked}
      onChange={onChange}
    />
  );
}
