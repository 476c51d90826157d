/** Name, e-mail address and password of a new account: the first administrator's at setup, or any user's at sign-up. */
"use client";

import { useState } from "react";
import { PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { requestJson } from "../api/request";
import { enter, signIn } from "../api/sign-in";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

/** `setupToken` is from the setup link. Without it, the form signs up a new user. */
export function AccountForm({ setupToken }: { setupToken?: string }) {
  const [isCreated, setCreated] = useState(false);
  const form = useForm({
    check: bySchema(async () => {
      const schemas = await import("@/src/shared/management/schemas");
      return setupToken === undefined ? schemas.signupSchema : schemas.setupSchema;
    }),
    toBody: ({ name, email, password }) => ({ name, email, password, ...(setupToken === undefined ? {} : { token: setupToken }) }),
    submit: async (body) => {
      // If only the sign-in failed, a second attempt must not create the account again.
      if (!isCreated) await requestJson(setupToken === undefined ? "signup" : "setup", { method: "POST", body });
      setCreated(true);
      await signIn(body);
      await enter("/start");
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField name="name" label="Your name" autoComplete="name" required problem={form.problemOf("name")} />
      <TextField name="email" type="email" label="E-mail" autoComplete="username" required problem={form.problemOf("email")} />
      <TextField
        name="password"
        type="password"
        label="Password"
        autoComplete="new-password"
        required
        hint={form.problemOf("password") ? undefined : `${PASSWORD_LENGTH_MIN} or more characters.`}
        problem={form.problemOf("password")}
      />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Create account
      </SubmitButton>
    </form>
  );
}
