/** The panel beside the grid, or over it on narrow screens. Its width can be dragged and is stored. */
"use client";

import { type ReactNode, useEffect, useRef, useState } from "react";
import { readSetting, writeSetting } from "../../browser-settings";
import { ResizeHandle } from "../../grid/resize-handle";

const WIDTH = { minPx: 320, maxPx: 760 };
const START_PX = 460;
const SETTING = "rested-record-width";

export function SidePanel({ children }: { children: ReactNode }) {
  const [widthPx, setWidthPx] = useState(START_PX);
  useEffect(() => {
    const stored = Number(readSetting(SETTING));
    if (stored >= WIDTH.minPx && stored <= WIDTH.maxPx) setWidthPx(stored);
  }, []);
  const aside = useRef<HTMLElement>(null);
  useEffect(() => {
    // A panel over the grid takes the focus. Beside the grid, the focus stays in the list.
    const panel = aside.current;
    if (panel && getComputedStyle(panel).position === "fixed" && !panel.contains(document.activeElement)) panel.focus();
  }, []);
  const resize = (next: number) => {
    setWidthPx(next);
    writeSetting(SETTING, String(next));
  };
  return (
    <>
      <ResizeHandle {...WIDTH} widthPx={widthPx} onResize={resize} />
      <aside
        ref={aside}
        tabIndex={-1}
        aria-label="Details"
        style={{ width: widthPx }}
        className="min-h-0 outline-none max-w-[60%] shrink-0 max-lg:fixed max-lg:inset-0 max-lg:z-20 max-lg:w-full! max-lg:max-w-none"
      >
        {children}
      </aside>
    </>
  );
}
