/** Creates a key: name, scope, expiry. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { type RefObject, useRef, useState } from "react";
import type { KeyScope } from "@/src/shared/management/schemas";
import { keysQuery, projectQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { Segments } from "../components/segments";
import { bySchema } from "../forms/by-schema";
import { CancelButton } from "../forms/cancel-button";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readOneOf } from "../forms/drafts/stored-state";
import { EXPIRIES, ExpiryField, useExpiry } from "../forms/expiry-field";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";
import { SCOPE_LABELS } from "../snippets/key-state";

const SCOPES = (["read_write", "read", "write"] as const).map((value) => ({ value, label: SCOPE_LABELS[value] }));

const SCOPE_HINTS: Readonly<Record<KeyScope, string>> = {
  read_write: "Can read, stream, create, update and delete records.",
  read: "Can read and stream records, but not change them.",
  write: "Can create, update and delete records, but not read them.",
};

export function CreateKeyDialog({
  projectId,
  open,
  onOpenChange,
}: {
  projectId: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const first = useRef<HTMLInputElement>(null);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Create a key"
      initialFocus={first}
      description="A key identifies a client. It isn’t secret – it’s safe to ship in a web page."
    >
      <CreateKeyForm projectId={projectId} first={first} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateKeyForm({
  projectId,
  first,
  onClose,
}: {
  projectId: string;
  first: RefObject<HTMLInputElement | null>;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [scope, setScope] = useState<KeyScope>("read_write");
  const expiry = useExpiry();
  const restore = (state: unknown) => {
    setScope(
      readOneOf(
        state,
        "scope",
        SCOPES.map(({ value }) => value),
      ) ?? "read_write",
    );
    expiry.onChange(readOneOf(state, "expiry", EXPIRIES) ?? "none");
  };
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).keyCreateSchema),
    toBody: ({ name, expiresAt }) => ({ name, scope, expiresAt: expiry.expiresAt(expiresAt) }),
    draft: { name: `new-key/${projectId}`, state: { scope, expiry: expiry.choice }, restore },
    submit: async (body) => {
      await requestJson(`projects/${projectId}/keys`, { method: "POST", body });
      await client.invalidateQueries({ queryKey: keysQuery(projectId).queryKey });
      void client.invalidateQueries({ queryKey: projectQuery(projectId).queryKey });
      notify(`Key ${body.name} created.`);
      onClose();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="this key" />
      <TextField name="name" label="Name" placeholder="Lab sensors" problem={form.problemOf("name")} ref={first} />
      <Segments label="Scope" value={scope} options={SCOPES} onChange={setScope} hint={SCOPE_HINTS[scope]} />
      <ExpiryField expiry={expiry} problem={form.problemOf("expiresAt")} />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Create key</SubmitButton>
        <CancelButton form={form} onCancel={onClose} />
      </DialogActions>
    </form>
  );
}
