/** Requests an e-mail with which to choose a new password. */
"use client";

import { useState } from "react";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

export function ForgotForm() {
  const [sentTo, setSentTo] = useState<string>();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).forgotSchema),
    toBody: ({ email }) => ({ email }),
    submit: async (body) => {
      await requestJson("forgot", { method: "POST", body });
      setSentTo(body.email);
    },
  });
  if (sentTo !== undefined) {
    return (
      <div role="status" className="flex flex-col gap-2">
        <p>
          If an account has the address <span className="font-medium wrap-anywhere">{sentTo}</span>, an e-mail is on its way. It’s valid for
          one hour.
        </p>
        <p className="text-muted">
          Nothing there? Check your spam folder. If the e-mail contains a code,{" "}
          <a href="/reset" className="text-focus underline underline-offset-2">
            enter it here
          </a>
          .
        </p>
      </div>
    );
  }
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField name="email" type="email" label="E-mail" autoComplete="username" required problem={form.problemOf("email")} />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Send e-mail
      </SubmitButton>
    </form>
  );
}
