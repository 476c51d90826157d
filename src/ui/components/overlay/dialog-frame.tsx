/** The content of an open dialog. Base UI handles the focus and Escape. */
"use client";

import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import { getSession } from "../../api/session";
import { buttonClass } from "../button";

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  initialFocus?: RefObject<HTMLElement | null>;
  wide?: boolean;
  /** Only its buttons close it, not Escape or a click outside. */
  isHeld?: boolean;
  /** It is above all others, which stay open below it. */
  isAlone?: boolean;
}

export function DialogFrame({
  open,
  onOpenChange,
  title,
  description,
  children,
  initialFocus,
  wide = false,
  isHeld = false,
  isAlone = false,
}: DialogProps) {
  const change = (next: boolean) => {
    const session = getSession();
    // A key or a click that is meant for the dialog to sign in does not close the dialog below.
    const isBelow = !isAlone && session.state === "ended" && session.isAsking;
    if (next || (!isHeld && !isBelow)) onOpenChange(next);
  };
  return (
    <Base.Root open={open} onOpenChange={change}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 min-h-dvh bg-scrim transition-opacity duration-[120ms] data-ending-style:opacity-0 data-starting-style:opacity-0 supports-[-webkit-touch-callout:none]:absolute" />
        <Base.Viewport className="fixed inset-0 flex items-start justify-center overflow-y-auto px-4 py-[12dvh] max-sm:py-4">
          <Base.Popup
            {...(initialFocus ? { initialFocus } : {})}
            className={`w-full ${wide ? "max-w-[36rem]" : "max-w-[27rem]"} rounded-md border border-line-firm bg-surface transition-opacity duration-[120ms] outline-none data-ending-style:opacity-0 data-starting-style:opacity-0`}
          >
            <div className="flex items-start justify-between gap-4 px-5 pt-4">
              <Base.Title className="pt-1 text-prose font-semibold">{title}</Base.Title>
              {isHeld ? null : (
                <Base.Close aria-label="Close" className={`${buttonClass("quiet", { square: true })} -mr-2`}>
                  <X className="size-4" aria-hidden="true" />
                </Base.Close>
              )}
            </div>
            {description ? <Base.Description className="px-5 pt-1 text-muted">{description}</Base.Description> : null}
            <div className="px-5 pt-4 pb-5">{children}</div>
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
