/** Who is signed in; theme, account, sign-out. */
"use client";

import { Menu } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import { useSyncExternalStore } from "react";
import { signOut } from "../api/sign-in";
import { subscribeSettings } from "../browser-setting";
import { MENU_ITEM, MenuItem, MenuLink, MenuPopup, MenuSeparator } from "../components/menu";
import { notify } from "../notifications/notify";
import { readTheme, THEMES, type Theme, writeTheme } from "../theme/theme";
import type { ShellUser } from "./shell";

const THEME_LABELS: Record<Theme, string> = { system: "System theme", light: "Light", dark: "Dark" };

export function AccountMenu({ user }: { user: ShellUser }) {
  return (
    <Menu.Root>
      <Menu.Trigger className="flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 text-left transition-colors duration-[120ms] hover:bg-hover data-popup-open:bg-hover pointer-coarse:min-h-11">
        <span
          aria-hidden="true"
          className="grid size-6 shrink-0 place-items-center rounded-full border border-line-firm text-data font-medium"
        >
          {(user.name.trim()[0] ?? user.email[0] ?? "?").toUpperCase()}
        </span>
        <span className="min-w-0 flex-1 leading-4">
          <span className="block truncate font-medium">{user.name}</span>
          <span className="block truncate text-data text-muted">{user.email}</span>
        </span>
      </Menu.Trigger>
      <MenuPopup side="top">
        <MenuLink href="/account">Account</MenuLink>
        <MenuSeparator />
        <ThemeItems />
        <MenuSeparator />
        <MenuItem onClick={leave}>Sign out</MenuItem>
      </MenuPopup>
    </Menu.Root>
  );
}

function ThemeItems() {
  const theme = useSyncExternalStore(subscribeSettings, readTheme, (): Theme => "system");
  return (
    <Menu.RadioGroup value={theme} onValueChange={(next: Theme) => writeTheme(next)} aria-label="Theme">
      {THEMES.map((value) => (
        <Menu.RadioItem key={value} value={value} className={MENU_ITEM}>
          <span className="flex-1">{THEME_LABELS[value]}</span>
          <Menu.RadioItemIndicator>
            <Check className="size-3.5 text-muted" aria-hidden="true" />
          </Menu.RadioItemIndicator>
        </Menu.RadioItem>
      ))}
    </Menu.RadioGroup>
  );
}

function leave(): void {
  signOut().then(
    () => window.location.assign("/login"),
    (error: Error) => notify(`Signing out failed. ${error.message}`),
  );
}
