/** Runs the console's worker as long as the page is there. */
"use client";

import { useEffect, useState } from "react";
import { ConsoleClient } from "./engine/console-client";
import type { Flush } from "./engine/console-messages";
import type { EventFilter } from "./engine/event-filter";

/** `filter` counts when the page is opened; later ones go through the client. */
export function useConsole(endpointId: string, initial: Flush, filter: EventFilter): { flush: Flush; client: ConsoleClient | undefined } {
  const [flush, setFlush] = useState(initial);
  const [client, setClient] = useState<ConsoleClient>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first filter and the first paint are where it begins
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
