/** Creates a management token and shows it once. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import type { TokenCreated } from "@/src/shared/management/schemas";
import { tokensQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { bySchema } from "../forms/by-schema";
import { CancelButton } from "../forms/cancel-button";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readOneOf } from "../forms/drafts/stored-state";
import { EXPIRIES, ExpiryField, useExpiry } from "../forms/expiry-field";
import { FormFailure } from "../forms/form-failure";
import { SecretOnce } from "../forms/secret-once";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { TokenScopeFields, useTokenAccess } from "./token-scope-fields";

export function CreateTokenDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const first = useRef<HTMLInputElement>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const close = () => {
    setSecret(null);
    onClose();
  };
  return (
    <Dialog
      initialFocus={first}
      open={open}
      onOpenChange={(next) => next || close()}
      title={secret === null ? "Create a token" : "Your token"}
      isHeld={secret !== null}
    >
      {secret === null ? (
        <CreateTokenForm first={first} onCreated={setSecret} onCancel={close} />
      ) : (
        <SecretOnce secret={secret} what="the token" onDone={close} />
      )}
    </Dialog>
  );
}

function CreateTokenForm({
  first,
  onCreated,
  onCancel,
}: {
  first: RefObject<HTMLInputElement | null>;
  onCreated: (token: string) => void;
  onCancel: () => void;
}) {
  const client = useQueryClient();
  const expiry = useExpiry();
  const access = useTokenAccess();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).tokenCreateSchema),
    toBody: ({ name, expiresAt }) => ({
      name,
      scope: access.scope,
      projectIds: access.reach === "all" ? null : access.chosen,
      expiresAt: expiry.expiresAt(expiresAt),
    }),
    draft: {
      name: "new-token",
      state: { scope: access.scope, reach: access.reach, chosen: access.chosen, expiry: expiry.choice },
      restore: (state) => {
        access.restore(state);
        expiry.onChange(readOneOf(state, "expiry", EXPIRIES) ?? "none");
      },
    },
    submit: async (body) => {
      const { token } = await requestJson<TokenCreated>("account/tokens", { method: "POST", body });
      onCreated(token);
      void client.invalidateQueries({ queryKey: tokensQuery().queryKey });
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="this token" />
      <TextField name="name" label="Name" placeholder="Deploy script" problem={form.problemOf("name")} ref={first} />
      <TokenScopeFields access={access} problem={form.problemOf("projectIds") && "Choose at least one project."} />
      <ExpiryField expiry={expiry} problem={form.problemOf("expiresAt")} />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Create token</SubmitButton>
        <CancelButton form={form} onCancel={onCancel} />
      </DialogActions>
    </form>
  );
}
