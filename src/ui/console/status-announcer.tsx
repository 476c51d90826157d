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
  const announced = useRef(flush.arrived);
  useEffect(() => {
    const timer = setInterval(() => {
      const { arrived, paused } = latest.current;
      // Only changes of the stream are new. Those that are loaded from the log are not.
      const added = arrived - announced.current;
      announced.current = arrived;
      if (added > 0) setSummary(`${added} new ${added === 1 ? "change" : "changes"}${paused ? ", buffered" : ""}.`);
    }, INTERVAL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div role="status" className="sr-only">
      <p>{toSentence(flush.connection)}</p>
      <p>{summary}</p>
      <p>{toSearchSentence(flush)}</p>
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

/** Progress is not announced, but the end of a search. */
function toSearchSentence({ search, matched }: Flush): string {
  if (!search || search.state === "running") return "";
  const found = `${matched} ${matched === 1 ? "change" : "changes"} found.`;
  if (search.state === "complete") return `Search complete. ${found}`;
  return search.state === "failed" ? `Search failed. ${found}` : found;
}
