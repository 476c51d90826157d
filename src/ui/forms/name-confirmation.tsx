/** A dialog that confirms an irreversible action: shows the consequences and requires the name to be typed. */
"use client";

import { type ReactNode, type RefObject, useRef } from "react";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { FormFailure } from "./form-failure";
import { SubmitButton } from "./submit-button";
import { type CheckedForm, useForm } from "./use-form";

interface ConfirmationProps {
  title: string;
  /** Describes what is deleted and what depends on it. */
  consequences: ReactNode;
  /** Must be typed exactly. */
  name: string;
  /** The label of the button: a verb and its object. */
  action: string;
  onConfirm: () => Promise<unknown>;
}

export function NameConfirmation({
  open,
  onOpenChange,
  title,
  ...props
}: ConfirmationProps & { open: boolean; onOpenChange: (open: boolean) => void }) {
  const first = useRef<HTMLInputElement>(null);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} initialFocus={first}>
      <ConfirmationForm {...props} first={first} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function ConfirmationForm({
  consequences,
  name,
  action,
  onConfirm,
  first,
  onCancel,
}: Omit<ConfirmationProps, "title"> & { first: RefObject<HTMLInputElement | null>; onCancel: () => void }) {
  const form = useForm({
    check: { prepare: () => undefined, run: async (typed) => checkName(typed, name) },
    toBody: ({ name: typed = "" }) => typed.trim(),
    submit: onConfirm,
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <div className="flex flex-col gap-2 text-muted">{consequences}</div>
      <TextField
        name="name"
        label="Name"
        hint={
          <>
            Type <span className="font-medium text-text wrap-anywhere">{name}</span> to confirm.
          </>
        }
        problem={form.problemOf("name")}
        ref={first}
      />
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form} tone="danger">
          {action}
        </SubmitButton>
        <Button onClick={onCancel}>Cancel</Button>
      </DialogActions>
    </form>
  );
}

function checkName(typed: unknown, name: string): CheckedForm<string> {
  if (typed === name) return { ok: true, value: name };
  return { ok: false, fields: { name: "The name doesn’t match." }, detail: "The name doesn’t match." };
}
