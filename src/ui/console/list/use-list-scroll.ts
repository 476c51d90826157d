/** The scroll position of the list: it follows the newest rows, or keeps the visible rows in place while others are added and dropped. */
"use client";

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { isAtEnd, ROW_PX, toAnchored, toScrollTop, toVisibleRows, toWindow, toWindowSize, type Viewport } from "../../grid/row-window";
import type { ConsoleClient } from "../engine/console-client";
import type { Flush, View } from "../engine/console-messages";
import { toPreviewPx } from "./row-style";

/** Older changes are loaded when the list is scrolled this close to its top. */
const OLDER_AT_PX = 200;
/** The width of the narrowest character of the data. */
const CHARACTER_PX = 7;
const MIN_CHARACTERS = 40;

export interface ListScroll {
  ref: RefObject<HTMLDivElement | null>;
  following: boolean;
  /** The number of rows that have arrived since the list stopped following. */
  unseen: number;
  onScroll: () => void;
  /** Scrolls to the newest row and follows. */
  follow: () => void;
  /** Scrolls to the oldest row. */
  toTop: () => void;
  /** Stops following. */
  hold: () => void;
  /** Scrolls a row into view and stops following. `index` is that of `Flush`. */
  reveal: (index: number) => void;
  /** The view for which the worker should send rows. */
  readView: () => View;
}

/** `headPx`: the height of the content above the first row in the scroll container. */
export function useListScroll(flush: Flush, client: ConsoleClient | undefined, headPx: number): ListScroll {
  const ref = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [seenEnd, setSeenEnd] = useState(flush.end);
  const latest = useRef({ flush, following, scrollTop: 0 });
  latest.current.flush = flush;

  const readViewport = useCallback((): Viewport => {
    const element = ref.current;
    return { scrollTop: element?.scrollTop ?? 0, height: element?.clientHeight ?? 0, headPx };
  }, [headPx]);

  const readView = useCallback((): View => {
    const viewport = readViewport();
    const { flush: now, following: follows } = latest.current;
    const characters = Math.max(MIN_CHARACTERS, Math.ceil(toPreviewPx(ref.current?.clientWidth ?? 0) / CHARACTER_PX));
    if (follows) return { follow: true, count: toVisibleRows(viewport.height), characters };
    const { from, to } = toWindow(viewport, now.end - now.first);
    return { follow: false, from: now.first + from, count: Math.max(to - from, toWindowSize(viewport.height)), characters };
  }, [readViewport]);

  const setFollow = useCallback((next: boolean) => {
    if (latest.current.following === next) return;
    latest.current.following = next;
    setFollowing(next);
    if (!next) setSeenEnd(latest.current.flush.end);
  }, []);

  const scrollTo = useCallback((top: number) => {
    if (!ref.current) return;
    ref.current.scrollTop = top;
    latest.current.scrollTop = ref.current.scrollTop;
  }, []);

  const sendView = useCallback(() => client?.setView(readView()), [client, readView]);

  const onScroll = useCallback(() => {
    const viewport = readViewport();
    const { flush: now, scrollTop: before } = latest.current;
    latest.current.scrollTop = viewport.scrollTop;
    const movedUp = viewport.scrollTop < before;
    if (isAtEnd(viewport, now.end - now.first)) setFollow(true);
    else if (movedUp || !latest.current.following) setFollow(false);
    if (movedUp && viewport.scrollTop < OLDER_AT_PX && now.history === "more") client?.loadOlder();
    if (!latest.current.following) sendView();
  }, [client, readViewport, sendView, setFollow]);

  const follow = useCallback(() => {
    setFollow(true);
    sendView();
    scrollTo(Number.MAX_SAFE_INTEGER);
  }, [scrollTo, sendView, setFollow]);

  const hold = useCallback(() => {
    setFollow(false);
    sendView();
  }, [sendView, setFollow]);

  const reveal = useCallback(
    (index: number) => {
      setFollow(false);
      scrollTo(toScrollTop(readViewport(), index - latest.current.flush.first));
      sendView();
    },
    [readViewport, scrollTo, sendView, setFollow],
  );

  const toTop = useCallback(() => {
    setFollow(false);
    scrollTo(0);
    sendView();
  }, [scrollTo, sendView, setFollow]);

  useStablePosition({ flush, following, headPx, ref, scrollTo, sendView });

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (latest.current.following) scrollTo(Number.MAX_SAFE_INTEGER);
      sendView();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [scrollTo, sendView]);

  return { ref, following, unseen: following ? 0 : Math.max(0, flush.end - seenEnd), onScroll, follow, toTop, hold, reveal, readView };
}

/** After each flush and before the browser paints: keeps the newest row visible, or the visible rows in place. */
function useStablePosition({
  flush,
  following,
  headPx,
  ref,
  scrollTo,
  sendView,
}: {
  flush: Flush;
  following: boolean;
  headPx: number;
  ref: RefObject<HTMLDivElement | null>;
  scrollTo: (top: number) => void;
  sendView: () => void;
}): void {
  const before = useRef({ generation: flush.generation, first: flush.first });
  useLayoutEffect(() => {
    const element = ref.current;
    const last = before.current;
    before.current = { generation: flush.generation, first: flush.first };
    if (!element) return;
    if (following) {
      scrollTo(Number.MAX_SAFE_INTEGER);
    } else if (flush.generation !== last.generation) {
      const anchor = flush.anchor ?? flush.end;
      // A third from the top, so that some earlier rows are visible too.
      scrollTo(Math.max(0, headPx + (anchor - flush.first) * ROW_PX - element.clientHeight / 3));
      sendView();
    } else if (flush.first !== last.first) {
      scrollTo(toAnchored(element.scrollTop, last.first - flush.first));
      sendView();
    }
  }, [flush, following, headPx, ref, scrollTo, sendView]);
}
