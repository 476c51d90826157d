/** The frame of every dialog: title, what it is about, content, actions. Its machinery is fetched once the page has nothing else to do. */
"use client";

import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import type { DialogProps } from "./dialog-frame";

const loadFrame = () => import("./dialog-frame");
const Frame = lazy(async () => ({ default: (await loadFrame()).DialogFrame }));

export function Dialog(props: DialogProps) {
  const [used, setUsed] = useState(props.open);
  if (props.open && !used) setUsed(true);
  useEffect(() => {
    const timer = setTimeout(() => void loadFrame().catch(() => undefined), PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  // Stays once it was open, so that closing can fade.
  return used ? (
    <Suspense fallback={null}>
      <Frame {...props} />
    </Suspense>
  ) : null;
}

const PRELOAD_AFTER_MS = 1500;

/** The row of buttons that ends a dialog's form. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="flex flex-row-reverse flex-wrap justify-start gap-2 pt-2">{children}</div>;
}
