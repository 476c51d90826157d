/** The range of rows that the grid draws, and its scroll position. */
"use client";

import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { toScrollTop, toWindow, type Viewport } from "../../grid/row-window";

/** The number of rows before the height is known: more than fit in a large window. */
const FIRST_ROWS = 50;

export interface RowWindow {
  ref: RefObject<HTMLDivElement | null>;
  from: number;
  to: number;
  onScroll: () => void;
  /** Scrolls a row fully into view. */
  reveal: (index: number) => void;
  /** The number of rows that Page Down moves by. */
  pageRows: () => number;
  toTop: () => void;
}

/** `headPx`: the height of the sticky header. */
export function useRowWindow({ count, rowPx, headPx }: { count: number; rowPx: number; headPx: number }): RowWindow {
  const ref = useRef<HTMLDivElement>(null);
  const [{ from, to }, setRange] = useState({ from: 0, to: FIRST_ROWS });

  const readViewport = useCallback((): Viewport => {
    const element = ref.current;
    // The sticky header covers the top of the container.
    return { scrollTop: element?.scrollTop ?? 0, height: Math.max(0, (element?.clientHeight ?? 0) - headPx), headPx: 0 };
  }, [headPx]);
  const measure = useCallback(() => {
    const next = toWindow(readViewport(), count);
    setRange((before) => (before.from === next.from && before.to === next.to ? before : next));
  }, [count, readViewport]);

  useEffect(() => {
    measure();
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  const scrollTo = (top: number) => {
    if (ref.current && ref.current.scrollTop !== top) ref.current.scrollTop = top;
    measure();
  };
  return {
    ref,
    from: Math.min(from, count),
    to: Math.min(to, count),
    onScroll: measure,
    reveal: (index) => scrollTo(toScrollTop(readViewport(), index)),
    pageRows: () => Math.max(1, Math.floor(readViewport().height / rowPx) - 1),
    toTop: () => scrollTo(0),
  };
}
