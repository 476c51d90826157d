/** The state of a stream, with a button to reconnect or sign in. */
"use client";

import { useEffect, useState } from "react";
import { classNames } from "../components/class-names";
import { formatCount } from "../format/format-number";
import type { ConnectionState } from "./stream-connection";

const ACTION = "shrink-0 rounded-sm px-1.5 text-focus underline-offset-2 hover:underline pointer-coarse:min-h-11";

interface Props {
  connection: ConnectionState;
  /** Changes in the last second, if they are displayed. */
  rate?: number;
}

export function ConnectionStatus({ connection, rate, onReconnect }: Props & { onReconnect: () => void }) {
  const { state } = connection;
  return (
    <div className="flex min-w-0 items-center gap-2 whitespace-nowrap tabular-nums">
      <span aria-hidden="true" className={classNames("size-2 shrink-0 rounded-full", DOTS[state])} />
      <StatusText connection={connection} {...(rate === undefined ? {} : { rate })} />
      {state === "waiting" ? (
        <button type="button" onClick={onReconnect} className={ACTION}>
          Retry now
        </button>
      ) : null}
      {connection.state === "ended" ? (
        connection.signIn ? (
          <a href={`/login?next=${encodeURIComponent(globalThis.location?.pathname ?? "/")}`} className={ACTION}>
            Sign in
          </a>
        ) : connection.isDeleted ? null : (
          <button type="button" onClick={onReconnect} className={ACTION}>
            Reconnect
          </button>
        )
      ) : null}
    </div>
  );
}

const DOTS: Record<ConnectionState["state"], string> = {
  connecting: "border border-control",
  live: "bg-live",
  waiting: "bg-warn",
  ended: "bg-delete",
};

function StatusText({ connection, rate }: Props) {
  switch (connection.state) {
    case "connecting":
      return <span className="text-muted">{connection.attempt > 1 ? "Reconnecting…" : "Connecting…"}</span>;
    case "live":
      return (
        <span>
          <span className="font-medium text-live">Live</span>
          {rate === undefined ? null : <span className="text-muted"> · {formatCount(rate)}/s</span>}
        </span>
      );
    case "waiting":
      return <Countdown {...connection} />;
    case "ended":
      return (
        <span className="truncate" title={connection.reason}>
          <span className="font-medium text-delete">Ended</span> <span className="text-muted">{connection.reason}</span>
        </span>
      );
  }
}

function Countdown({ retryAtMs, reason }: ConnectionState & { state: "waiting" }) {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000));
  return (
    <span className="min-w-0 whitespace-normal">
      <span className="font-medium text-warn">Reconnecting in {seconds} s</span>
      <span className="text-muted"> · {reason}</span>
    </span>
  );
}
