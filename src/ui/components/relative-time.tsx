/** “3 min. ago”, updated while the page is open. The full time is in the title. */
"use client";

import { useEffect, useState } from "react";
import { formatAbsolute, formatRelative } from "../format/format-time";

export function RelativeTime({ time, never = "Never" }: { time: string | null; never?: string }) {
  const [nowMs, setNowMs] = useState<number | undefined>(undefined);
  useEffect(() => {
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 15_000);
    return () => clearInterval(timer);
  }, []);
  if (time === null) return <span className="text-muted">{never}</span>;
  return (
    // The text can differ between server and browser, because their clocks do.
    <time dateTime={time} title={nowMs === undefined ? undefined : formatAbsolute(time)} suppressHydrationWarning>
      {formatRelative(time, nowMs ?? Date.now())}
    </time>
  );
}
