/** Listens for the console's keyboard shortcuts. */
"use client";

import { useEffect, useRef, useSyncExternalStore } from "react";
import { areSingleKeysOn, subscribeSettings } from "../browser-settings";
import { type KeyPress, matchShortcut, type ShortcutId } from "./shortcuts";

export function useSingleKeys(): boolean {
  return useSyncExternalStore(subscribeSettings, areSingleKeysOn, () => true);
}

/** `onShortcut` returns whether it handled the shortcut. If not, the browser's default applies. */
export function useShortcuts(onShortcut: (id: ShortcutId) => boolean): void {
  const singleKeys = useSingleKeys();
  const latest = useRef(onShortcut);
  latest.current = onShortcut;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      // While a dialog or a menu is open, keys belong to it.
      if (event.target instanceof Element && event.target.closest("[role=dialog],[role=menu]")) return;
      const id = matchShortcut({
        key: event.key,
        shiftKey: event.shiftKey,
        ctrlKey: event.ctrlKey,
        metaKey: event.metaKey,
        altKey: event.altKey,
        focus: toFocus(event.target),
        singleKeys,
      });
      if (id !== undefined && latest.current(id)) event.preventDefault();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [singleKeys]);
}

const TEXT = "textarea,select,[contenteditable=true],input:not([type=checkbox]):not([type=radio]):not([type=button])";
const CONTROL = "button,a[href],summary,input,[role=tab],[role=separator]";

function toFocus(target: EventTarget | null): KeyPress["focus"] {
  if (!(target instanceof Element)) return "none";
  if (target.closest(TEXT)) return "text";
  if (target.closest(CONTROL)) return "control";
  return target.closest("[data-console-grid]") ? "grid" : "none";
}
