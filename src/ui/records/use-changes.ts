/** Streams the changes of an endpoint's records. */
"use client";

import { useEffect, useRef, useState } from "react";
import type { IssuedTicket } from "@/src/shared/management/schemas";
import { requestJson } from "../api/request";
import { isTransportError, RequestError } from "../api/request-error";
import { BROWSER_PORTS } from "../stream/browser-ports";
import { type ConnectionState, type Opening, StreamConnection } from "../stream/stream-connection";
import type { StreamEvent } from "../stream/stream-event";
import { parseStreamMessage } from "../stream/stream-message";

/** Changes are passed on in batches at this interval, so that thousands per second do not cause thousands of renderings. */
const BATCH_MS = 200;

export interface ChangesOptions {
  endpointId: string;
  /** The cursor to start from; undefined if not yet known. Later values are ignored, because the stream keeps its own cursor. */
  since: string | undefined;
  onChanges: (events: readonly StreamEvent[]) => void;
  /** Called if changes were missed and can't be recovered. */
  onGap: () => void;
}

export interface Changes {
  connection: ConnectionState;
  reconnect: () => void;
}

export function useChanges({ endpointId, since, onChanges, onGap }: ChangesOptions): Changes {
  const [state, setState] = useState<ConnectionState>({ state: "connecting", attempt: 1 });
  const latest = useRef({ onChanges, onGap });
  latest.current = { onChanges, onGap };
  const cursor = useRef<string>(undefined);
  const stream = useRef<StreamConnection>(undefined);
  const isKnown = since !== undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: only the first cursor is used
  useEffect(() => {
    if (since === undefined) return;
    cursor.current = since;
    let waiting: StreamEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const events = waiting;
      waiting = [];
      latest.current.onChanges(events);
    };
    const connection = new StreamConnection({
      ...BROWSER_PORTS,
      prepare: () => prepare(endpointId, cursor.current ?? "now"),
      onState: setState,
      onMessage: (text) => {
        const message = parseStreamMessage(text, Date.now());
        if (!message) return false;
        cursor.current = message.cursor;
        if (message.type === "gap") latest.current.onGap();
        if (message.type === "changes") {
          waiting.push(...message.events);
          timer ??= setTimeout(flush, BATCH_MS);
        }
        return message.type === "ready";
      },
    });
    stream.current = connection;
    const onOnline = () => connection.retryNow();
    window.addEventListener("online", onOnline);
    connection.start();
    return () => {
      window.removeEventListener("online", onOnline);
      clearTimeout(timer);
      connection.stop();
    };
  }, [endpointId, isKnown]);

  return { connection: state, reconnect: () => stream.current?.start() };
}

async function prepare(endpointId: string, since: string): Promise<Opening> {
  try {
    const { path } = await requestJson<IssuedTicket>(`endpoints/${endpointId}/stream-ticket`, { method: "POST", session: "fail" });
    return { ok: true, url: `${window.location.origin.replace(/^http/, "ws")}${path}&since=${since}` };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const { status, message } = error;
    const retry = isTransportError(error) || status >= 500 || status === 408 || status === 429;
    return { ok: false, retry, reason: message, signIn: status === 401 };
  }
}
