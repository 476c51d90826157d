/** The end of a long form: what the button saves, and the failure of the last attempt. */
import { FormFailure } from "./form-failure";
import { SubmitButton } from "./submit-button";
import type { Form } from "./use-form";

export function FormFoot({ form, note }: { form: Form; note: string }) {
  return (
    <div className="-mt-6 flex flex-wrap items-center justify-between gap-x-6 gap-y-3 rounded-md border border-line bg-surface px-5 py-3">
      <p className="text-muted">{note}</p>
      <SubmitButton form={form}>Save changes</SubmitButton>
      <FormFailure failure={form.failure} />
    </div>
  );
}
