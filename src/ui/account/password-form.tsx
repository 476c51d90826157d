/** Changes the password of the account. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { sessionsQuery, tokensQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { Panel } from "../components/page/page";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";
import { RevokeTokens } from "./sign-out-dialog";

export function PasswordForm({ email }: { email: string }) {
  const client = useQueryClient();
  const [revokeTokens, setRevokeTokens] = useState(false);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).passwordChangeSchema),
    toBody: ({ currentPassword, newPassword }) => ({ currentPassword, newPassword, revokeTokens }),
    submit: async (body) => {
      await requestJson("account/password", { method: "POST", body });
      await client.invalidateQueries({ queryKey: sessionsQuery().queryKey });
      if (revokeTokens) void client.invalidateQueries({ queryKey: tokensQuery().queryKey });
      setRevokeTokens(false);
      notify("Password changed. Other browsers are signed out.");
      form.props.ref.current?.reset();
    },
  });
  return (
    <Panel>
      <form {...form.props} className="flex max-w-[24rem] flex-col items-stretch gap-4">
        {/* Tells password managers which account this is. */}
        <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
        <TextField
          name="currentPassword"
          type="password"
          label="Current password"
          autoComplete="current-password"
          problem={form.problemOf("currentPassword")}
        />
        <TextField
          name="newPassword"
          type="password"
          label="New password"
          autoComplete="new-password"
          hint={form.problemOf("newPassword") ? undefined : `${PASSWORD_LENGTH_MIN} or more characters.`}
          problem={form.problemOf("newPassword")}
        />
        <RevokeTokens checked={revokeTokens} onChange={setRevokeTokens} />
        <FormFailure failure={form.failure} />
        <div>
          <SubmitButton form={form} tone="secondary">
            Change password
          </SubmitButton>
        </div>
      </form>
    </Panel>
  );
}
