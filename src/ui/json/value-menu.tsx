/** One menu for all values of a JSON tree: copy, and what the caller adds. */
"use client";

import { type KeyboardEvent, type ReactNode, useCallback, useRef, useState } from "react";
import { copyText } from "../components/copy-button";
import { notify } from "../notifications/notify";
import { toPrettyText } from "./json-print";
import type { JsonNode } from "./json-tree";

/** Something that can be done with a value. `path` is as `joinPath` writes it, empty for the whole value. */
export interface ValueAction {
  label: string;
  /** True if it makes sense for this value. */
  applies: (path: string, node: JsonNode) => boolean;
  run: (path: string, node: JsonNode) => void;
}

/** Opens the menu of a value below `anchor`. */
export type OnValue = (anchor: HTMLElement, path: string, node: JsonNode) => void;

/** A value that opens its menu when it is pressed. */
export function ValueButton({ onPress, children }: { onPress: (anchor: HTMLElement) => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-haspopup="menu"
      onClick={({ currentTarget }) => onPress(currentTarget)}
      className="rounded-xs text-left wrap-anywhere whitespace-pre-wrap decoration-muted underline-offset-2 hover:underline"
    >
      {children}
    </button>
  );
}

const COPY: readonly ValueAction[] = [
  {
    label: "Copy value",
    applies: () => true,
    run: (_, node) => void copy(node.kind === "string" ? node.value : toPrettyText(node), "the value"),
  },
  { label: "Copy path", applies: (path) => path !== "", run: (path) => void copy(path, "the path") },
];

async function copy(text: string, what: string): Promise<void> {
  const done = await copyText(text);
  notify(done ? `Copied ${what}.` : "Couldn’t copy. Select the text and copy it yourself.", { quiet: done });
}

const GAP_PX = 2;
const WIDTH_PX = 272;

/** The menu to render once, and the function that opens it. */
export function useValueMenu(actions: readonly ValueAction[]): { menu: ReactNode; onValue: OnValue } {
  const popup = useRef<HTMLDivElement>(null);
  const [target, setTarget] = useState<{ path: string; node: JsonNode }>();
  const onValue = useCallback<OnValue>((anchor, path, node) => {
    setTarget({ path, node });
    const element = popup.current;
    if (!element) return;
    const box = anchor.getBoundingClientRect();
    element.style.left = `${Math.max(4, Math.min(box.left, window.innerWidth - WIDTH_PX - 4))}px`;
    // Above the value if there is more room.
    const isAbove = box.bottom > window.innerHeight * 0.7;
    element.style.top = isAbove ? "auto" : `${box.bottom + GAP_PX}px`;
    element.style.bottom = isAbove ? `${window.innerHeight - box.top + GAP_PX}px` : "auto";
    element.showPopover();
    requestAnimationFrame(() => element.querySelector<HTMLElement>("button")?.focus());
  }, []);
  const shown = target ? [...actions, ...COPY].filter(({ applies }) => applies(target.path, target.node)) : [];
  const choose = (action: ValueAction) => {
    popup.current?.hidePopover();
    if (target) action.run(target.path, target.node);
  };
  const menu = (
    <div
      ref={popup}
      popover="auto"
      role="menu"
      aria-label={target?.path ? `Value of ${target.path}` : "Value"}
      onKeyDown={moveFocus}
      style={{ width: WIDTH_PX }}
      className="fixed inset-auto m-0 rounded-md border border-line-firm bg-surface p-1 font-sans text-ui text-text"
    >
      {shown.map((action) => (
        <button
          key={action.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          onClick={() => choose(action)}
          className="flex min-h-8 w-full items-center rounded-sm px-2 text-left hover:bg-hover focus-visible:-outline-offset-1 pointer-coarse:min-h-11"
        >
          {action.label}
        </button>
      ))}
    </div>
  );
  return { menu, onValue };
}

/** As menus do: arrow keys move, Tab closes. Escape is the popover's. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const menu = event.currentTarget;
  if (event.key === "Tab") {
    menu.hidePopover();
    return;
  }
  const items = [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.findIndex((item) => item.matches(":focus"));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[(to + items.length) % items.length]?.focus();
}
