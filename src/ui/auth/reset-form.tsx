/** Chooses a new password with the token of an e-mail, which the link contains or the user enters. */
"use client";

import { useState } from "react";
import { PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Switch } from "../components/switch";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

/** `token`: that of the link. Empty: the user enters the code of the e-mail. */
export function ResetForm({ token }: { token: string }) {
  const [revokeTokens, setRevokeTokens] = useState(false);
  const [isDone, setDone] = useState(false);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).passwordResetSchema),
    toBody: ({ password, token: entered = "" }) => ({ token: token || entered.trim(), password, revokeTokens }),
    submit: async (body) => {
      await requestJson("reset", { method: "POST", body });
      // The token works once, so it need not stay in the address bar and the history.
      window.history.replaceState(null, "", "/reset");
      setDone(true);
    },
  });
  if (isDone) {
    return (
      <div role="status" className="flex flex-col gap-2">
        <p>Your password has been changed, and your sessions have ended.</p>
        <p>
          <a href="/login" className="text-focus underline underline-offset-2">
            Sign in
          </a>
        </p>
      </div>
    );
  }
  return (
    <form {...form.props} className="flex flex-col gap-4">
      {token === "" ? (
        <TextField
          name="token"
          label="Code"
          hint="From the e-mail."
          autoComplete="one-time-code"
          required
          mono
          problem={form.problemOf("token")}
        />
      ) : null}
      <TextField
        name="password"
        type="password"
        label="New password"
        autoComplete="new-password"
        required
        hint={`${PASSWORD_LENGTH_MIN} or more characters.`}
        problem={form.problemOf("password")}
      />
      <Switch
        label="Revoke management tokens"
        hint="Also ends access for programs that use your tokens."
        checked={revokeTokens}
        onChange={setRevokeTokens}
      />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Set password
      </SubmitButton>
    </form>
  );
}
