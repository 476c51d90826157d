/** The selected change and its detail. The URL has its seq. */
"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import type { ConsoleClient, Detail } from "./engine/console-client";
import type { ConsoleEndpoint } from "./engine/console-messages";
import type { ListController } from "./list/list-controller";
import type { ConsoleUrl } from "./use-console";

/** `endpoints`: those of a project, by number. */
export function useSelection(
  client: ConsoleClient | undefined,
  list: ListController,
  url: ConsoleUrl,
  endpoints: readonly ConsoleEndpoint[] | undefined,
) {
  const latest = useRef(endpoints);
  latest.current = endpoints;
  const [selected, setSelected] = useState<number>();
  const [detail, setDetail] = useState<Detail>();
  const wanted = useRef<number>(undefined);
  const setChange = useRef(url.setChange);
  setChange.current = url.setChange;

  const toEndpointId = useCallback((source = 0) => latest.current?.[source]?.id, []);
  const choose = useCallback(
    (ordinal: number | undefined) => {
      wanted.current = ordinal;
      setSelected(ordinal);
      if (ordinal === undefined) return setDetail(undefined);
      // The previous detail stays until the next one has loaded, to avoid flicker.
      void client?.get(ordinal).then((found) => {
        if (wanted.current !== ordinal) return;
        setDetail(found);
        if (found.event) setChange.current(found.event.seq, toEndpointId(found.event.source));
      });
    },
    [client, toEndpointId],
  );
  // Ordinals of another worker are different.
  useEffect(() => () => choose(undefined), [choose]);

  const select = useCallback(
    (ordinal: number) => {
      if (!client) return;
      list.hold();
      choose(ordinal);
    },
    [client, choose, list],
  );
  const step = useCallback(
    (by: number) => {
      void client?.step(wanted.current, wanted.current === undefined ? 0 : by).then(({ ordinal, index }) => {
        if (ordinal === undefined) return;
        // One step up from the oldest change leads to older ones.
        if (by < 0 && ordinal === wanted.current) client.loadOlder();
        list.reveal(index);
        choose(ordinal);
      });
    },
    [client, choose, list],
  );
  const clear = useCallback(() => {
    choose(undefined);
    setChange.current(undefined);
    list.release();
  }, [choose, list]);
  return { selected, detail, select, step, clear };
}
