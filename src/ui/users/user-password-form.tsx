/** Sets a new password for a user who has forgotten the old one. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { AppUserView } from "@/src/shared/management/schemas";
import { APP_PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { appSessionsQuery, userEmailsQuery } from "../api/queries";
import { recordQuery } from "../api/records";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useAction } from "../forms/use-action";
import { useForm } from "../forms/use-form";
import { getMember, parseStored } from "../json/json-tree";
import { notify } from "../notifications/notify";
import { sendPasswordEmail } from "./user-requests";

export function UserPasswordForm({
  endpointId,
  user,
  onChanged,
}: {
  endpointId: string;
  user: AppUserView;
  onChanged: () => Promise<unknown>;
}) {
  const client = useQueryClient();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).appPasswordSetSchema),
    toBody: ({ password }) => ({ password }),
    submit: async (body) => {
      await requestJson(`endpoints/${endpointId}/users/${user.id}/password`, { method: "PUT", body });
      form.props.ref.current?.reset();
      notify(`New password set for ${user.name}.`);
      await Promise.all([client.invalidateQueries({ queryKey: appSessionsQuery(endpointId, user.id).queryKey }), onChanged()]);
    },
  });
  const { data: emails } = useQuery(userEmailsQuery(endpointId));
  const { data: record } = useQuery(recordQuery(endpointId, user.id));
  const hasAddress = emails?.canSend === true && record !== undefined && getMember(parseStored(record.data), "email") !== undefined;
  const mail = useAction(async () => {
    await sendPasswordEmail(endpointId, user.id);
    notify(`An e-mail to set a new password was sent to ${user.name}.`);
  });
  return (
    <section className="flex flex-col gap-2">
      <div className="flex min-h-control flex-wrap items-center justify-between gap-x-4">
        <h3 className="font-semibold">Password</h3>
        {hasAddress ? (
          <Button busy={mail.pending} onClick={() => mail.run()}>
            Send reset e-mail
          </Button>
        ) : null}
      </div>
      <FormFailure failure={mail.failure} />
      <form {...form.props} className="flex flex-col gap-3">
        <TextField
          name="password"
          // Visible, because the owner passes it on to the user.
          type="text"
          label="New password"
          autoComplete="off"
          autoCapitalize="none"
          hint={`${APP_PASSWORD_LENGTH_MIN} or more characters. Ends all sessions of this user.`}
          problem={form.problemOf("password")}
        />
        <FormFailure failure={form.failure} />
        <div>
          <SubmitButton form={form} tone="secondary">
            Set password
          </SubmitButton>
        </div>
      </form>
    </section>
  );
}
