/** The panel beside the grid; over it on narrow screens. Its width is dragged, and kept. */
"use client";

import { type ReactNode, useEffect, useState } from "react";
import { readSetting, writeSetting } from "../browser-setting";
import { ResizeHandle } from "../console/resize-handle";

const WIDTH = { minPx: 320, maxPx: 760 };
const START_PX = 460;
const SETTING = "rested-record-width";

export function SidePanel({ children }: { children: ReactNode }) {
  const [widthPx, setWidthPx] = useState(START_PX);
  useEffect(() => {
    const stored = Number(readSetting(SETTING));
    if (stored >= WIDTH.minPx && stored <= WIDTH.maxPx) setWidthPx(stored);
  }, []);
  const resize = (next: number) => {
    setWidthPx(next);
    writeSetting(SETTING, String(next));
  };
  return (
    <>
      <ResizeHandle {...WIDTH} widthPx={widthPx} onResize={resize} />
      <aside
        aria-label="Details"
        style={{ width: widthPx }}
        className="min-h-0 max-w-[60%] shrink-0 max-lg:fixed max-lg:inset-0 max-lg:z-20 max-lg:w-full! max-lg:max-w-none"
      >
        {children}
      </aside>
    </>
  );
}
