/** Copies a text and confirms it, to screen readers too. */
"use client";

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { notify } from "../notifications/notify";
import { classNames } from "./class-names";

/** Copies `text` to the clipboard, with a fallback for pages over plain HTTP. Returns false if the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.cssText = "position:fixed;opacity:0";
    const before = document.activeElement;
    (before?.closest("[role=dialog]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return done;
  }
}

export function CopyButton({
  text,
  what,
  children,
  bordered = false,
  onCopied,
}: {
  text: string | (() => string);
  /** Names what is copied: “Copy {what}”, “{What} copied”. */
  what: string;
  /** A visible label; without one the button is an icon. */
  children?: string;
  bordered?: boolean;
  /** Called after the text was copied. */
  onCopied?: (() => void) | undefined;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    const done = await copyText(typeof text === "string" ? text : text());
    setCopied(done);
    if (done) onCopied?.();
    notify(done ? `Copied ${what}.` : `Couldn’t copy ${what}. Select it and copy it yourself.`, { quiet: done });
  };
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={children ? undefined : `Copy ${what}`}
      title={children ? undefined : `Copy ${what}`}
      className={classNames(
        "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-sm text-ui text-muted transition-colors duration-[120ms] hover:bg-hover hover:text-text pointer-coarse:h-11 pointer-coarse:min-w-11",
        bordered
          ? "h-control rounded-md border border-line-firm bg-surface px-3 font-medium text-text hover:border-control"
          : "h-6 min-w-6",
        !bordered && children && "px-1.5",
      )}
    >
      {copied ? <Check className="size-3.5 text-create" aria-hidden="true" /> : <Copy className="size-3.5" aria-hidden="true" />}
      {children}
    </button>
  );
}
