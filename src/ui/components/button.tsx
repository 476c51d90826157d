/** The button. */
import type { ComponentProps } from "react";
import { classNames } from "./class-names";
import { Spinner } from "./spinner";

export type ButtonTone = "primary" | "secondary" | "quiet" | "danger";

const BASE =
  "inline-flex h-control shrink-0 items-center justify-center gap-1.5 rounded-md text-ui font-medium whitespace-nowrap select-none transition-[background-color,border-color,opacity] duration-[120ms]";

const TONES: Record<ButtonTone, string> = {
  primary: "bg-text text-bg hover:opacity-88 active:opacity-80",
  secondary: "border border-line-firm bg-surface text-text hover:border-control hover:bg-hover active:bg-hover",
  quiet: "text-muted hover:bg-hover hover:text-text data-popup-open:bg-hover data-popup-open:text-text",
  danger: "bg-delete text-surface hover:opacity-88 active:opacity-80",
};

/** The classes of a button, for other elements such as a menu's trigger. */
export function buttonClass(tone: ButtonTone, options: { square?: boolean; tight?: boolean } = {}): string {
  return classNames(BASE, TONES[tone], options.square ? "w-control" : options.tight ? "px-3 max-xl:px-2" : "px-3");
}

interface ButtonProps extends Omit<ComponentProps<"button">, "className"> {
  tone?: ButtonTone;
  /** Shows a spinner and ignores clicks. The button keeps the focus. */
  busy?: boolean;
  /** For an icon. `aria-label` names the action. */
  square?: boolean;
  wide?: boolean;
  /** Has a label only on wide screens, and less room around it on others. */
  tight?: boolean;
}

export function Button({
  tone = "secondary",
  busy = false,
  square = false,
  wide = false,
  tight = false,
  children,
  onClick,
  ...props
}: ButtonProps) {
  return (
    <button
      type="button"
      {...props}
      aria-disabled={busy || props["aria-disabled"]}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      className={classNames(
        buttonClass(tone, { square, tight }),
        wide && "min-h-10 w-full",
        "relative disabled:opacity-45 disabled:pointer-events-none",
      )}
    >
      {busy ? (
        <>
          {/* Invisible, but still the accessible name. */}
          {square ? null : <span className="inline-flex items-center gap-1.5 opacity-0">{children}</span>}
          <span className="absolute inset-0 grid place-items-center">
            <Spinner />
          </span>
        </>
      ) : (
        children
      )}
    </button>
  );
}
