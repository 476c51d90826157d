/** Signs in with e-mail address and password. */
"use client";

import { enter, signIn } from "../api/sign-in";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

/** `next`: the path of this server to go to afterwards. */
export function LoginForm({ next }: { next: string }) {
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).loginSchema),
    toBody: ({ email, password }) => ({ email, password }),
    submit: async (body) => {
      await signIn(body);
      await enter(next);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField name="email" type="email" label="E-mail" autoComplete="username" required problem={form.problemOf("email")} />
      <TextField
        name="password"
        type="password"
        label="Password"
        autoComplete="current-password"
        required
        problem={form.problemOf("password")}
      />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Sign in
      </SubmitButton>
    </form>
  );
}
