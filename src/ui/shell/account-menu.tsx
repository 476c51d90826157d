/** The menu of the signed-in user: account, theme, sign-out. */
"use client";

import { useSyncExternalStore } from "react";
import type { PageAccount } from "../api/account-context";
import { signOut } from "../api/sign-in";
import { subscribeSettings } from "../browser-settings";
import { Menu, MenuItem, MenuLink, MenuSeparator } from "../components/overlay/menu";
import { clearDrafts } from "../forms/drafts/drafts";
import { notify } from "../notifications/notify";
import { readTheme, THEMES, type Theme, writeTheme } from "../theme";

const THEME_LABELS: Record<Theme, string> = { system: "System theme", light: "Light theme", dark: "Dark theme" };

export function AccountMenu({ user }: { user: PageAccount }) {
  const theme = useSyncExternalStore(subscribeSettings, readTheme, (): Theme => "system");
  return (
    <Menu
      side="above"
      triggerClass="flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 text-left transition-colors duration-[120ms] hover:bg-hover pointer-coarse:min-h-11"
      trigger={
        <>
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
        </>
      }
    >
      <MenuLink href="/account">Account</MenuLink>
      <MenuSeparator />
      {THEMES.map((value) => (
        <MenuItem key={value} pressed={value === theme} onClick={() => writeTheme(value)}>
          {THEME_LABELS[value]}
        </MenuItem>
      ))}
      <MenuSeparator />
      <MenuItem onClick={() => leave(user)}>Sign out</MenuItem>
    </Menu>
  );
}

function leave({ id }: PageAccount): void {
  signOut().then(
    () => {
      clearDrafts(id);
      window.location.assign("/login");
    },
    (error: Error) => notify(`Couldn’t sign out. ${error.message}`),
  );
}
