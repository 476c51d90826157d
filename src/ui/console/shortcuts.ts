/** The console's keyboard shortcuts, for the keyboard, the sheet and the tooltips. Pure. */

export type ShortcutId =
  | "pause"
  | "next"
  | "previous"
  | "open"
  | "close"
  | "first"
  | "older"
  | "live"
  | "filter"
  | "tab-changes"
  | "tab-json"
  | "tab-raw"
  | "tab-history"
  | "tab-delivery"
  | "older-version"
  | "newer-version"
  | "copy-json"
  | "copy-curl"
  | "export"
  | "send"
  | "sheet";

export interface Shortcut {
  id: ShortcutId;
  label: string;
  group: "Stream" | "List" | "Details" | "Composer" | "Help";
  /** Values of `KeyboardEvent.key`, with letters in lower case. Each of them triggers the shortcut. */
  keys: readonly string[];
  /** With Ctrl, or ⌘ on a Mac. */
  mod?: true;
  /** With Shift. Stands before a shortcut that has the same key without it, because the first match counts. */
  shift?: true;
  /** Where it works. `anywhere`: everywhere except in text fields. `grid`: while the list has the focus. `typing`: in text fields as well. */
  scope: "anywhere" | "grid" | "typing";
}

export const SHORTCUTS: readonly Shortcut[] = [
  { id: "pause", label: "Pause or resume", group: "Stream", keys: [" "], scope: "anywhere" },
  { id: "live", label: "Jump to latest and follow", group: "Stream", keys: ["End"], scope: "anywhere" },
  { id: "first", label: "Jump to oldest", group: "List", keys: ["Home"], scope: "grid" },
  { id: "older", label: "Load older changes", group: "List", keys: ["o"], scope: "anywhere" },
  { id: "next", label: "Next change", group: "List", keys: ["j", "ArrowDown"], scope: "anywhere" },
  { id: "previous", label: "Previous change", group: "List", keys: ["k", "ArrowUp"], scope: "anywhere" },
  { id: "open", label: "Open change", group: "List", keys: ["Enter"], scope: "grid" },
  { id: "close", label: "Close details", group: "List", keys: ["Escape"], scope: "typing" },
  { id: "filter", label: "Filter", group: "List", keys: ["/"], scope: "anywhere" },
  { id: "tab-changes", label: "Show changes", group: "Details", keys: ["d"], scope: "anywhere" },
  { id: "tab-json", label: "Show JSON tree", group: "Details", keys: ["t"], scope: "anywhere" },
  { id: "tab-raw", label: "Show raw text", group: "Details", keys: ["r"], scope: "anywhere" },
  { id: "tab-history", label: "Show history", group: "Details", keys: ["h"], scope: "anywhere" },
  { id: "older-version", label: "Older version of the record", group: "Details", keys: ["["], scope: "anywhere" },
  { id: "newer-version", label: "Newer version of the record", group: "Details", keys: ["]"], scope: "anywhere" },
  { id: "tab-delivery", label: "Show delivery", group: "Details", keys: ["w"], scope: "anywhere" },
  { id: "copy-curl", label: "Copy as curl", group: "Details", keys: ["c"], shift: true, scope: "anywhere" },
  { id: "copy-json", label: "Copy JSON", group: "Details", keys: ["c"], scope: "anywhere" },
  { id: "export", label: "Export changes", group: "List", keys: ["x"], scope: "anywhere" },
  { id: "send", label: "Send request", group: "Composer", keys: ["Enter"], mod: true, scope: "typing" },
  { id: "sheet", label: "Show shortcuts", group: "Help", keys: ["?"], scope: "anywhere" },
];

/** A key press and where it happened. */
export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** The kind of element that has the focus: the list, a text field, a control that keys operate (button, link, tab), or another. */
  focus: "grid" | "text" | "control" | "none";
  /** False if the user has turned off single-key shortcuts. These then work only in the list. */
  singleKeys: boolean;
}

/** The shortcut for a key press, if any. */
export function matchShortcut(press: KeyPress): ShortcutId | undefined {
  return SHORTCUTS.find((shortcut) => matches(shortcut, press))?.id;
}

function matches({ keys, mod, shift, scope }: Shortcut, press: KeyPress): boolean {
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  if (!keys.includes(key) || press.altKey) return false;
  if (shift && !press.shiftKey) return false;
  if ((mod ?? false) !== (press.ctrlKey || press.metaKey)) return false;
  if (press.focus === "text") return scope === "typing";
  if (scope === "grid") return press.focus === "grid";
  // Arrow keys scroll and move within controls unless the list has the focus. Space and Enter activate the control.
  if (key.startsWith("Arrow")) return press.focus === "grid";
  if (press.focus === "control" && (key === " " || key === "Enter" || key === "End")) return mod ?? false;
  const isSingle = key.length === 1 && mod === undefined;
  return !isSingle || press.singleKeys || press.focus === "grid";
}

const NAMES: Readonly<Record<string, string>> = { " ": "Space", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", Enter: "↵" };

/** The key names of a shortcut, for example `["⌘", "↵"]`, with one list per alternative. */
export function toKeyNames({ keys, mod, shift }: Shortcut, isMac: boolean): string[][] {
  const modifier = [...(mod ? [isMac ? "⌘" : "Ctrl"] : []), ...(shift ? ["Shift"] : [])];
  return keys.map((key) => [...modifier, NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)]);
}

/** A tooltip: the label of a control with its key. */
export function toTooltip(id: ShortcutId, label?: string): string {
  const shortcut = SHORTCUTS.find((each) => each.id === id);
  if (!shortcut) return label ?? "";
  const key = shortcut.mod ? `Ctrl ${NAMES[shortcut.keys[0] ?? ""] ?? ""}` : (toKeyNames(shortcut, false)[0] ?? []).join(" ");
  return `${label ?? shortcut.label} (${key})`;
}
