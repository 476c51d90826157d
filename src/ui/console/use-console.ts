/** The console's worker, which runs while the page is open, and the state that is kept in the URL. */
"use client";

import { debounce, parseAsBoolean, parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { useLayoutEffect, useRef, useState } from "react";
import { DETAIL_TABS, type DetailTab } from "./detail/detail-tabs";
import { CHART_SPANS_MS } from "./engine/change-chart";
import { ConsoleClient, type EndpointsOfConsole, type Sought } from "./engine/console-client";
import type { ConsoleScope, Flush } from "./engine/console-messages";
import { type EventFilter, parseFilter, toFilterQuery } from "./engine/event-filter";
import { formatPlace, type LogPlace, parsePlace } from "./log/log-place";

export interface ConsoleStart {
  filter: EventFilter;
  place: LogPlace | undefined;
  paused: boolean;
}

/** `start` is the initial state; later changes go through the client. */
export function useConsole(
  scope: ConsoleScope,
  initial: Flush,
  start: ConsoleStart,
  onSought: (sought: Sought) => void,
): { flush: Flush; client: ConsoleClient | undefined; endpoints: EndpointsOfConsole | undefined } {
  const [endpoints, setEndpoints] = useState<EndpointsOfConsole>();
  const scopeId = toScopeId(scope);
  const [flush, setFlush] = useState(initial);
  const [client, setClient] = useState<ConsoleClient>();
  const sought = useRef(onSought);
  sought.current = onSought;
  // Before any event: what is typed or clicked while there is no client would be lost.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the initial state and the first paint are used
  useLayoutEffect(() => {
    const started = new ConsoleClient({
      scope,
      ...start,
      initial,
      onFlush: setFlush,
      onSought: (result) => sought.current(result),
      onEndpoints: setEndpoints,
    });
    setClient(started);
    return () => {
      setClient(undefined);
      started.stop();
    };
  }, [scopeId]);
  return { flush, client, endpoints };
}

export function toScopeId(scope: ConsoleScope): string {
  return scope.kind === "project" ? scope.projectId : scope.endpointId;
}

/** `at`: a place in the log. `change`: the seq of the open change, `in` the id of its endpoint in a project. `pins`: the pinned paths. `time`: the range of the filter. `span`: of the chart, in seconds. */
const PARSERS = {
  q: parseAsString,
  op: parseAsString,
  dim: parseAsString,
  time: parseAsString,
  span: parseAsInteger.withDefault(CHART_SPANS_MS[0] / 1000),
  at: parseAsString,
  change: parseAsInteger,
  in: parseAsString,
  pins: parseAsString,
  tab: parseAsStringLiteral(DETAIL_TABS).withDefault("changes"),
  paused: parseAsBoolean.withDefault(false),
};

export interface ConsoleUrl {
  filter: EventFilter;
  setFilter: (filter: EventFilter) => void;
  /** How much time the chart shows. */
  spanMs: number;
  setSpanMs: (spanMs: number) => void;
  place: LogPlace | undefined;
  /** Undefined: the newest changes. */
  setPlace: (place: LogPlace | undefined) => void;
  change: number | undefined;
  /** In a project: the id of the endpoint of `change`. */
  endpointId: string | undefined;
  setChange: (seq: number | undefined, endpointId?: string) => void;
  /** The pinned paths, one a line. */
  pins: { url: string | null; setUrl: (pins: string | null) => void };
  tab: DetailTab;
  setTab: (tab: DetailTab) => void;
  paused: boolean;
  setPaused: (paused: boolean) => void;
}

/** The state is part of the URL, so that it can be shared and survives a reload. */
export function useConsoleUrl(isProject = false): ConsoleUrl {
  const [{ in: endpointId, pins, q, op, dim, time, span, at, change, tab, paused }, set] = useQueryStates(PARSERS, { history: "replace" });
  return {
    filter: parseFilter({ q, op, dim, time }, isProject),
    setFilter: (filter) => void set(toFilterQuery(filter), { limitUrlUpdates: debounce(300) }),
    spanMs: CHART_SPANS_MS.find((each) => each === span * 1000) ?? CHART_SPANS_MS[0],
    setSpanMs: (spanMs) => void set({ span: spanMs / 1000 }),
    place: at === null ? undefined : parsePlace(at),
    setPlace: (place) => void set({ at: place ? formatPlace(place) : null }),
    change: change !== null && change > 0 ? change : undefined,
    endpointId: endpointId ?? undefined,
    setChange: (seq, id) => void set({ change: seq ?? null, in: id ?? null }),
    pins: { url: pins, setUrl: (next) => void set({ pins: next }) },
    tab,
    setTab: (next) => void set({ tab: next }),
    paused,
    setPaused: (next) => void set({ paused: next }),
  };
}

/** The address of one change, without the filter. It stays valid while the log keeps the change. */
export function toChangeLink(seq: number, endpointId: string | undefined): string {
  const url = new URL(window.location.href);
  url.search = `?change=${seq}${endpointId === undefined ? "" : `&in=${endpointId}`}`;
  url.hash = "";
  return url.href;
}
