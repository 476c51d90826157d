/** A button that opens a menu of links and choices. Uses the browser's popover, which closes on Escape or a click outside. */
"use client";

import { Check } from "lucide-react";
import Link from "next/link";
import { type ComponentProps, type KeyboardEvent, type ReactNode, type ToggleEvent, useId, useRef } from "react";

const ITEM =
  "flex min-h-8 w-full items-center gap-2 rounded-sm px-2 text-left text-ui text-text no-underline select-none hover:bg-hover focus-visible:-outline-offset-1 pointer-coarse:min-h-11";
const GAP_PX = 4;
/** That of `max-w-72`. */
const WIDTH_PX_MAX = 288;

interface MenuProps {
  /** The accessible name of the button, if its content is not enough. */
  label?: string;
  trigger: ReactNode;
  triggerClass: string;
  /** Where the menu opens. */
  side: "below" | "above";
  children: ReactNode;
}

export function Menu({ label, trigger, triggerClass, side, children }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  const place = (event: ToggleEvent<HTMLDivElement>) => {
    const box = button.current?.getBoundingClientRect();
    if (event.newState !== "open" || !box) return;
    const { style } = event.currentTarget;
    style.left = `${Math.max(GAP_PX, Math.min(box.left, window.innerWidth - WIDTH_PX_MAX - GAP_PX))}px`;
    style.minWidth = `${box.width}px`;
    style.top = side === "below" ? `${box.bottom + GAP_PX}px` : "auto";
    style.bottom = side === "above" ? `${window.innerHeight - box.top + GAP_PX}px` : "auto";
  };
  const handlers: ComponentProps<"div"> = {
    onBeforeToggle: place,
    onClick: ({ currentTarget, target }) => {
      if (target instanceof Element && target.closest("a,[data-closes]")) currentTarget.hidePopover();
    },
    onKeyDown: moveFocus,
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={label}
        popoverTarget={id}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
          event.preventDefault();
          popup.current?.showPopover();
          popup.current?.querySelector<HTMLElement>("a,button")?.focus();
        }}
        className={triggerClass}
      >
        {trigger}
      </button>
      <div
        ref={popup}
        id={id}
        popover="auto"
        {...handlers}
        className="fixed inset-auto m-0 max-h-[70dvh] max-w-72 overflow-y-auto rounded-md border border-line-firm bg-surface p-1 text-text"
      >
        {children}
      </div>
    </>
  );
}

/** Arrow keys move through the items, as Tab does. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined) return;
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("a,button,input")];
  const active = document.activeElement;
  const at = active instanceof HTMLElement ? items.indexOf(active) : -1;
  event.preventDefault();
  event.stopPropagation();
  items[(at + by + items.length) % items.length]?.focus();
}

export function MenuLink({ href, current = false, children }: { href: string; current?: boolean; children: ReactNode }) {
  return (
    <Link href={href} aria-current={current ? "page" : undefined} className={ITEM}>
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {current ? <Check className="size-3.5 text-muted" aria-hidden="true" /> : null}
    </Link>
  );
}

export function MenuItem({ onClick, pressed, children }: { onClick: () => void; pressed?: boolean; children: ReactNode }) {
  return (
    <button type="button" data-closes={pressed === undefined ? "" : undefined} aria-pressed={pressed} onClick={onClick} className={ITEM}>
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {pressed ? <Check className="size-3.5 text-muted" aria-hidden="true" /> : null}
    </button>
  );
}

export function MenuSeparator() {
  return <hr className="mx-1 my-1 border-line" />;
}
