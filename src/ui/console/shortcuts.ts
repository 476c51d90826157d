/** The one list of the console's keys: it feeds the keyboard, the sheet and the tooltips. Pure. */

export type ShortcutId =
  | "pause"
  | "next"
  | "previous"
  | "open"
  | "close"
  | "first"
  | "live"
  | "filter"
  | "tab-changes"
  | "tab-json"
  | "tab-raw"
  | "tab-delivery"
  | "copy-json"
  | "send"
  | "sheet";

export interface Shortcut {
  id: ShortcutId;
  label: string;
  group: "Stream" | "List" | "Detail" | "Composer" | "Help";
  /** As `KeyboardEvent.key` has them; letters in lower case. Any of them will do. */
  keys: readonly string[];
  /** With Ctrl, or ⌘ on a Mac. */
  mod?: true;
  /** Where it counts. `anywhere`: wherever one is not typing; `grid`: with the focus in the list; `typing`: in text fields as well. */
  scope: "anywhere" | "grid" | "typing";
}

export const SHORTCUTS: readonly Shortcut[] = [
  { id: "pause", label: "Pause or resume", group: "Stream", keys: [" "], scope: "anywhere" },
  { id: "live", label: "Go to the newest and follow", group: "Stream", keys: ["End"], scope: "anywhere" },
  { id: "first", label: "Go to the oldest", group: "List", keys: ["Home"], scope: "grid" },
  { id: "next", label: "Next change", group: "List", keys: ["j", "ArrowDown"], scope: "anywhere" },
  { id: "previous", label: "Previous change", group: "List", keys: ["k", "ArrowUp"], scope: "anywhere" },
  { id: "open", label: "Open the change", group: "List", keys: ["Enter"], scope: "grid" },
  { id: "close", label: "Close the detail", group: "List", keys: ["Escape"], scope: "typing" },
  { id: "filter", label: "Filter", group: "List", keys: ["/"], scope: "anywhere" },
  { id: "tab-changes", label: "Show what changed", group: "Detail", keys: ["d"], scope: "anywhere" },
  { id: "tab-json", label: "Show the JSON as a tree", group: "Detail", keys: ["t"], scope: "anywhere" },
  { id: "tab-raw", label: "Show the text as stored", group: "Detail", keys: ["r"], scope: "anywhere" },
  { id: "tab-delivery", label: "Show who gets it", group: "Detail", keys: ["w"], scope: "anywhere" },
  { id: "copy-json", label: "Copy the JSON", group: "Detail", keys: ["c"], scope: "anywhere" },
  { id: "send", label: "Send", group: "Composer", keys: ["Enter"], mod: true, scope: "typing" },
  { id: "sheet", label: "Show this sheet", group: "Help", keys: ["?"], scope: "anywhere" },
];

/** What a key press tells. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** What has the focus: the list, a text field, something that keys operate (a button, a link, a tab), or nothing in particular. */
  focus: "grid" | "text" | "control" | "none";
  /** The reader may have turned keys without a modifier off; they then work in the list alone. */
  singleKeys: boolean;
}

/** The shortcut that a key press means here, if any. */
export function matchShortcut(press: KeyPress): ShortcutId | undefined {
  return SHORTCUTS.find((shortcut) => isMeant(shortcut, press))?.id;
}

function isMeant({ keys, mod, scope }: Shortcut, press: KeyPress): boolean {
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  if (!keys.includes(key) || press.altKey) return false;
  if ((mod ?? false) !== (press.ctrlKey || press.metaKey)) return false;
  if (press.focus === "text") return scope === "typing";
  if (scope === "grid") return press.focus === "grid";
  // Arrows scroll and move within controls unless the list has the focus; Space and Enter press the control.
  if (key.startsWith("Arrow")) return press.focus === "grid";
  if (press.focus === "control" && (key === " " || key === "Enter" || key === "End")) return mod ?? false;
  const isSingle = key.length === 1 && mod === undefined;
  return !isSingle || press.singleKeys || press.focus === "grid";
}

const NAMES: Readonly<Record<string, string>> = { " ": "Space", ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", Enter: "↵" };

/** How the keys of a shortcut stand on the keyboard: `["⌘", "↵"]` and so on, one list for each way. */
export function toKeyNames({ keys, mod }: Shortcut, isMac: boolean): string[][] {
  const modifier = mod ? [isMac ? "⌘" : "Ctrl"] : [];
  return keys.map((key) => [...modifier, NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)]);
}

/** A tooltip: what a control does, with its key. */
export function toTooltip(id: ShortcutId, label?: string): string {
  const shortcut = SHORTCUTS.find((each) => each.id === id);
  if (!shortcut) return label ?? "";
  const key = shortcut.mod ? `Ctrl ${NAMES[shortcut.keys[0] ?? ""] ?? ""}` : (toKeyNames(shortcut, false)[0]?.[0] ?? "");
  return `${label ?? shortcut.label} (${key})`;
}
