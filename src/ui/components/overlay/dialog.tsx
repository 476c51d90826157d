/** The frame of every dialog: title, description, content, actions. Its code loads after the page, or when the first dialog opens. */
"use client";

import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import type { DialogProps } from "./dialog-frame";

const loadFrame = () => import("./dialog-frame");
const Frame = lazy(async () => ({ default: (await loadFrame()).DialogFrame }));

export function Dialog(props: DialogProps) {
  const [wasOpened, setWasOpened] = useState(props.open);
  if (props.open && !wasOpened) setWasOpened(true);
  useEffect(() => {
    const timer = setTimeout(() => void loadFrame().catch(() => undefined), PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  // Stays mounted after the first opening, so that closing can fade out.
  return wasOpened ? (
    <Suspense fallback={null}>
      <Frame {...props} />
    </Suspense>
  ) : null;
}

const PRELOAD_AFTER_MS = 1500;

/** The row of buttons at the end of a dialog. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="flex flex-row-reverse flex-wrap justify-start gap-2 pt-2">{children}</div>;
}
