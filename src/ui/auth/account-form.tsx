/** Name, e-mail address and password of a new account: the first administrator's, or one that somebody makes for themselves. */
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

/** `setupToken`: of the link that the server printed; without one it is a sign-up. */
export function AccountForm({ setupToken }: { setupToken?: string }) {
  const [made, setMade] = useState(false);
  const form = useForm({
    check: bySchema(async () => {
      const schemas = await import("@/src/shared/management/schemas");
      return setupToken === undefined ? schemas.signupSchema : schemas.setupSchema;
    }),
    toBody: ({ name, email, password }) => ({ name, email, password, ...(setupToken === undefined ? {} : { token: setupToken }) }),
    submit: async (body) => {
      // A second try after a sign-in that failed must not make the account again.
      if (!made) await requestJson(setupToken === undefined ? "signup" : "setup", { method: "POST", body });
      setMade(true);
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
        hint={form.problemOf("password") ? undefined : `${PASSWORD_LENGTH_MIN} characters or more.`}
        problem={form.problemOf("password")}
      />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Create account
      </SubmitButton>
    </form>
  );
}
