/** Shows up to three notifications at the bottom of the window and announces them to screen readers. */
"use client";

import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { NOTICE_EVENT, type Notice } from "./notify";

type Shown = Notice & { id: number };

export function Notifications() {
  const [notices, setNotices] = useState<readonly Shown[]>([]);
  const nextId = useRef(1);
  useEffect(() => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const onNotice = (event: Event) => {
      const notice: Shown = { ...(event as CustomEvent<Notice>).detail, id: nextId.current++ };
      setNotices((shown) => [...shown, notice].slice(-3));
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          setNotices((shown) => shown.filter((other) => other.id !== notice.id));
        },
        notice.quiet ? 1500 : 6000,
      );
      timers.add(timer);
    };
    window.addEventListener(NOTICE_EVENT, onNotice);
    return () => {
      window.removeEventListener(NOTICE_EVENT, onNotice);
      for (const timer of timers) clearTimeout(timer);
    };
  }, []);
  return (
    <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-center gap-2">
      {notices.map((notice) =>
        notice.quiet ? (
          <span key={notice.id} className="sr-only">
            {notice.text}
          </span>
        ) : (
          <div
            key={notice.id}
            className="pointer-events-auto flex max-w-[32rem] animate-appear items-center gap-2 rounded-md bg-text py-1.5 pr-1.5 pl-3.5 text-bg"
          >
            <span>{notice.text}</span>
            <button
              type="button"
              aria-label="Dismiss"
              onClick={() => setNotices((shown) => shown.filter((other) => other.id !== notice.id))}
              className="grid size-6 place-items-center rounded-sm opacity-70 hover:opacity-100 pointer-coarse:size-11"
            >
              <X className="size-3.5" aria-hidden="true" />
            </button>
          </div>
        ),
      )}
    </div>
  );
}
