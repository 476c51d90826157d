/** The account of the signed-in user: profile, password, sessions, browser settings, tokens. */
"use client";

import { useSyncExternalStore } from "react";
import type { AccountView } from "@/src/shared/management/schemas";
import { enter, signOut } from "../api/sign-in";
import { areSingleKeysOn, setSingleKeys, subscribeSettings } from "../browser-settings";
import { Button } from "../components/button";
import { Page, Panel, Section } from "../components/page/page";
import { Segments } from "../components/segments";
import { Switch } from "../components/switch";
import { clearDrafts } from "../forms/drafts/drafts";
import { FormFailure } from "../forms/form-failure";
import { useAction } from "../forms/use-action";
import { readTheme, type Theme, writeTheme } from "../theme";
import { NameForm } from "./name-form";
import { PasswordForm } from "./password-form";
import { SessionsSection } from "./sessions-section";
import { TokensSection } from "./tokens-section";

export function AccountPage({ account }: { account: AccountView }) {
  const leave = useAction(async () => {
    await signOut();
    clearDrafts(account.id);
    await enter("/login");
  });
  return (
    <Page
      title="Account"
      note={account.email}
      actions={
        <Button busy={leave.pending} onClick={() => leave.run()}>
          Sign out
        </Button>
      }
    >
      {leave.failure ? <FormFailure failure={leave.failure} /> : null}
      <Section title="Profile">
        <NameForm name={account.name} />
      </Section>
      <Section title="Password" note="A new password signs you out in other browsers.">
        <PasswordForm email={account.email} />
      </Section>
      <SessionsSection />
      <Section title="This browser" note="Saved in this browser only.">
        <Panel>
          <ThemeChoice />
          <div className="-mb-3 pt-2">
            <SingleKeys />
          </div>
        </Panel>
      </Section>
      <TokensSection />
    </Page>
  );
}

const THEMES: readonly { value: Theme; label: string }[] = [
  { value: "system", label: "System" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

function ThemeChoice() {
  const theme = useSyncExternalStore(subscribeSettings, readTheme, (): Theme => "system");
  return <Segments label="Theme" value={theme} options={THEMES} onChange={writeTheme} />;
}

function SingleKeys() {
  const on = useSyncExternalStore(subscribeSettings, areSingleKeysOn, () => true);
  return (
    <Switch
      label="Single-key shortcuts"
      hint="Use keys like J, K and Space in the console. Turn this off if you use speech input or press keys by accident."
      checked={on}
      onChange={setSingleKeys}
    />
  );
}
