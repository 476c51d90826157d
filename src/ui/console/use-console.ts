/** The console's worker, which runs while the page is open, and its filter, which is kept in the URL. */
"use client";

import { debounce, parseAsString, useQueryStates } from "nuqs";
import { useEffect, useState } from "react";
import { ConsoleClient } from "./engine/console-client";
import type { Flush } from "./engine/console-messages";
import { type EventFilter, parseFilter, toFilterQuery } from "./engine/event-filter";

/** `filter` is the initial filter. Later filters go through the client. */
export function useConsole(endpointId: string, initial: Flush, filter: EventFilter): { flush: Flush; client: ConsoleClient | undefined } {
  const [flush, setFlush] = useState(initial);
  const [client, setClient] = useState<ConsoleClient>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the initial filter and the first paint are used
  useEffect(() => {
    const started = new ConsoleClient({ endpointId, filter, initial, onFlush: setFlush });
    setClient(started);
    return () => {
      setClient(undefined);
      started.stop();
    };
  }, [endpointId]);
  return { flush, client };
}

const PARSERS = { q: parseAsString, op: parseAsString };

/** The filter is part of the URL, so that it can be shared and survives a reload. */
export function useFilter(): [EventFilter, (filter: EventFilter) => void] {
  const [query, setQuery] = useQueryStates(PARSERS, { history: "replace", limitUrlUpdates: debounce(300) });
  return [parseFilter(query), (filter) => void setQuery(toFilterQuery(filter))];
}
