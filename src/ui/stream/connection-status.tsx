/** The state of a stream, with a button to reconnect or sign in. */
"use client";

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { fetchManage } from "../api/fetch-manage";
import { reportSuspicion } from "../api/server-state";
import { getSession, subscribeSession } from "../api/session";
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
  useRecovery(connection, onReconnect);
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
          <button type="button" onClick={() => void signInHere().then(onReconnect, () => undefined)} className={ACTION}>
            Sign in
          </button>
        ) : connection.isDeleted ? null : (
          <button type="button" onClick={onReconnect} className={ACTION}>
            Reconnect
          </button>
        )
      ) : null}
    </div>
  );
}

/** Asks to sign in on this page. Resolves when the account of the page is signed in. */
const signInHere = () => fetchManage("account", { session: "ask" });

/** Reconnects a stream that ended with the session, after a new sign-in. Notices a server that is away before the next request does. */
function useRecovery(connection: ConnectionState, onReconnect: () => void): void {
  const session = useSyncExternalStore(subscribeSession, getSession, getSession).state;
  const latest = useRef({ connection, onReconnect });
  latest.current = { connection, onReconnect };
  const isEnded = connection.state === "ended" && connection.signIn;
  // Shows the notice about the session.
  useEffect(() => {
    if (isEnded) void fetchManage("account", { session: "fail" }).catch(() => undefined);
  }, [isEnded]);
  useEffect(() => {
    const { connection, onReconnect } = latest.current;
    if (session === "active" && connection.state === "ended" && connection.signIn) onReconnect();
  }, [session]);
  const isWaiting = connection.state === "waiting";
  useEffect(() => {
    if (isWaiting) reportSuspicion();
  }, [isWaiting]);
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
