/** Chooses light, dark or the system's. */
"use client";

import { useSyncExternalStore } from "react";
import { subscribeSettings } from "../browser-settings";
import { Segments } from "../components/segments";
import { readTheme, type Theme, writeTheme } from "../theme";

const OPTIONS: readonly { value: Theme; label: string }[] = [
  { value: "system", label: "System" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
];

export function ThemeChoice({ hideLabel = false }: { hideLabel?: boolean }) {
  const theme = useSyncExternalStore(subscribeSettings, readTheme, (): Theme => "system");
  return <Segments label="Theme" hideLabel={hideLabel} value={theme} options={OPTIONS} onChange={writeTheme} />;
}
