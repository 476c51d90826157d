/** “3 min. ago”, kept true while the page is open; the full time is in the title. */
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
    // The server's clock and ours may differ by the second in which the text turns.
    <time dateTime={time} title={nowMs === undefined ? undefined : formatAbsolute(time)} suppressHydrationWarning>
      {formatRelative(time, nowMs ?? Date.now())}
    </time>
  );
}
