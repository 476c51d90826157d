/** The separator between a list and its side panel. Dragged, or moved with the arrow keys. */
"use client";

import type { ComponentProps, PointerEvent } from "react";

const STEP_PX = 16;

interface Props {
  /** The width of the panel to the right. */
  widthPx: number;
  minPx: number;
  maxPx: number;
  onResize: (widthPx: number) => void;
}

export function ResizeHandle({ widthPx, minPx, maxPx, onResize }: Props) {
  const resize = (next: number) => onResize(Math.min(Math.max(Math.round(next), minPx), maxPx));
  const drag = (start: PointerEvent<HTMLElement>) => {
    const handle = start.currentTarget;
    const startX = start.clientX;
    handle.setPointerCapture(start.pointerId);
    const onMove = (event: globalThis.PointerEvent) => resize(widthPx + startX - event.clientX);
    const onEnd = () => {
      handle.removeEventListener("pointermove", onMove);
      handle.removeEventListener("pointerup", onEnd);
      handle.removeEventListener("pointercancel", onEnd);
    };
    handle.addEventListener("pointermove", onMove);
    handle.addEventListener("pointerup", onEnd);
    handle.addEventListener("pointercancel", onEnd);
  };
  const separator: ComponentProps<"div"> = {
    role: "separator",
    tabIndex: 0,
    "aria-label": "Width of the details",
    "aria-orientation": "vertical",
    "aria-valuenow": widthPx,
    "aria-valuemin": minPx,
    "aria-valuemax": maxPx,
    onPointerDown: drag,
    onKeyDown: (event) => {
      const by = event.key === "ArrowLeft" ? STEP_PX : event.key === "ArrowRight" ? -STEP_PX : 0;
      if (by === 0) return;
      event.preventDefault();
      resize(widthPx + by);
    },
  };
  return (
    <div
      {...separator}
      className="relative z-[1] -mx-1 w-2 shrink-0 cursor-col-resize touch-none before:absolute before:inset-y-0 before:left-1 before:w-px before:bg-line hover:before:bg-control focus-visible:outline-none focus-visible:before:w-0.5 focus-visible:before:bg-focus max-lg:hidden"
    />
  );
}
