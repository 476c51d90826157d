/** The dress of menus; behaviour is Base UI's. */
"use client";

import { Menu } from "@base-ui/react/menu";
import { Check } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";

/** The look of an item, for kinds of items that are made elsewhere. */
export const MENU_ITEM =
  "flex h-8 items-center gap-2 rounded-sm px-2 text-ui text-text no-underline outline-none select-none data-highlighted:bg-hover pointer-coarse:h-11";

export function MenuPopup({
  children,
  align = "start",
  side = "bottom",
}: {
  children: ReactNode;
  align?: "start" | "end";
  side?: "bottom" | "top";
}) {
  return (
    <Menu.Portal>
      <Menu.Positioner sideOffset={4} align={align} side={side} className="outline-none">
        <Menu.Popup className="max-h-(--available-height) min-w-52 overflow-y-auto rounded-md border border-line-firm bg-surface p-1 transition-opacity duration-[120ms] outline-none data-ending-style:opacity-0 data-starting-style:opacity-0">
          {children}
        </Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  );
}

export function MenuLink({ href, current = false, children }: { href: string; current?: boolean; children: ReactNode }) {
  return (
    <Menu.LinkItem className={MENU_ITEM} closeOnClick render={<Link href={href} aria-current={current ? "page" : undefined} />}>
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {current ? <Check className="size-3.5 text-muted" aria-hidden="true" /> : null}
    </Menu.LinkItem>
  );
}

export function MenuItem({ onClick, danger = false, children }: { onClick: () => void; danger?: boolean; children: ReactNode }) {
  return (
    <Menu.Item className={`${MENU_ITEM} ${danger ? "text-delete" : ""}`} onClick={onClick}>
      {children}
    </Menu.Item>
  );
}

export function MenuSeparator() {
  return <Menu.Separator className="mx-1 my-1 h-px bg-line" />;
}
