/** Announces the state to screen readers: immediately when the connection changes, otherwise at most every five seconds. */
"use client";

import { useEffect, useRef, useState } from "react";
import type { ConnectionState } from "../stream/stream-connection";
import type { Flush } from "./engine/console-messages";

const INTERVAL_MS = 5000;

export function StatusAnnouncer({ flush }: { flush: Flush }) {
  const [summary, setSummary] = useState("");
  const latest = useRef(flush);
  latest.current = flush;
  const announced = useRef({ end: flush.end, generation: flush.generation });
  useEffect(() => {
    const timer = setInterval(() => {
      const { end, buffered, generation, paused } = latest.current;
      const now = end + buffered;
      const added = generation === announced.current.generation ? now - announced.current.end : 0;
      announced.current = { end: now, generation };
      if (added > 0) setSummary(`${added} new ${added === 1 ? "change" : "changes"}${paused ? ", buffered" : ""}.`);
    }, INTERVAL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div role="status" className="sr-only">
      <p>{toSentence(flush.connection)}</p>
      <p>{summary}</p>
    </div>
  );
}

function toSentence(connection: ConnectionState): string {
  switch (connection.state) {
    case "connecting":
      return "Connecting.";
    case "live":
      return "Live.";
    case "waiting":
      return `Connection lost. ${connection.reason} Reconnecting.`;
    case "ended":
      return `The stream has ended. ${connection.reason}`;
  }
}
