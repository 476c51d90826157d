/** Changes the name of the account. */
"use client";

import { useRouter } from "next/navigation";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Panel } from "../components/page/page";
import { bySchema } from "../forms/by-schema";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";

export function NameForm({ name }: { name: string }) {
  const router = useRouter();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).accountPatchSchema),
    toBody: ({ name: typed }) => ({ name: typed }),
    draft: { name: "account-name" },
    submit: async (body) => {
      await requestJson("account", { method: "PATCH", body });
      notify("Name saved.");
      // The server renders the name in the frame of the page too.
      router.refresh();
    },
  });
  return (
    <Panel>
      <form {...form.props} className="flex max-w-[24rem] flex-col items-stretch gap-4">
        <FormDraftNote draft={form.draft} what="this name" />
        <TextField name="name" label="Your name" autoComplete="name" defaultValue={name} problem={form.problemOf("name")} />
        <FormFailure failure={form.failure} />
        <div>
          <SubmitButton form={form} tone="secondary">
            Save changes
          </SubmitButton>
        </div>
      </form>
    </Panel>
  );
}
