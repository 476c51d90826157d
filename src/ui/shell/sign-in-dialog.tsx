/** Signs in again without leaving the page, and continues what was interrupted. Loads when a session ends. */
"use client";

import { useRef, useState } from "react";
import type { PageAccount } from "../api/account-context";
import { checkAccount } from "../api/check-account";
import { announceSignIn, type SessionState, stopAsking } from "../api/session";
import { enter, signIn } from "../api/sign-in";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { DialogActions } from "../components/overlay/dialog";
import { DialogFrame } from "../components/overlay/dialog-frame";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

interface Props {
  session: SessionState;
  account: PageAccount;
  onRenewed: () => void;
}

export function SignInDialog({ session, account, onRenewed }: Props) {
  const first = useRef<HTMLInputElement>(null);
  const isOther = session.state === "ended" && session.isOther;
  return (
    <DialogFrame
      open={session.state === "ended" && session.isAsking}
      onOpenChange={(open) => open || stopAsking()}
      title={isOther ? "Another account is signed in" : "Your session ended"}
      description={
        isOther
          ? `This browser is signed in as another account now. Sign in as ${account.email} to continue here.`
          : "Sign in to continue. Nothing that you entered is lost."
      }
      initialFocus={first}
      isAlone
    >
      <SignInForm account={account} isOther={isOther} first={first} onRenewed={onRenewed} />
    </DialogFrame>
  );
}

function SignInForm({
  account,
  isOther,
  first,
  onRenewed,
}: Omit<Props, "session"> & { isOther: boolean; first: React.RefObject<HTMLInputElement | null> }) {
  const [wrongAccount, setWrongAccount] = useState<string>();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).loginSchema),
    toBody: ({ email, password }) => ({ email, password }),
    submit: async (body) => {
      await signIn(body);
      announceSignIn();
      setWrongAccount(undefined);
      if ((await checkAccount()) === "same") return onRenewed();
      setWrongAccount(body.email);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField
        name="email"
        type="email"
        label="E-mail"
        autoComplete="username"
        defaultValue={account.email}
        problem={form.problemOf("email")}
      />
      <TextField
        name="password"
        type="password"
        label="Password"
        autoComplete="current-password"
        problem={form.problemOf("password")}
        ref={first}
      />
      {wrongAccount === undefined ? null : (
        <p role="alert" className="text-delete wrap-anywhere">
          You signed in as {wrongAccount}, but this page belongs to {account.email}. Nothing was sent. Sign in as {account.email}, or leave
          this page.
        </p>
      )}
      <FormFailure failure={form.failure} />
      <DialogActions>
        <SubmitButton form={form}>Sign in</SubmitButton>
        {isOther || wrongAccount !== undefined ? (
          <Button onClick={() => void enter("/projects")}>Leave this page</Button>
        ) : (
          <Button onClick={stopAsking}>Not now</Button>
        )}
      </DialogActions>
    </form>
  );
}
