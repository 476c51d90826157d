/** The JSON paths that have a column of their own: those of the URL, or the ones that this browser has kept for the endpoint or the project. */
"use client";

import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { readSetting, subscribeSettings, writeSetting } from "../../browser-settings";
import { parsePath } from "../../json/json-path";
import { PINS_MAX } from "./row-style";

const toKey = (scopeId: string) => `rested-pins-${scopeId}`;

export interface Pins {
  paths: readonly string[];
  /** Adds a column, in place of the oldest one if there are too many, or removes it. */
  toggle: (path: string) => void;
}

/** `url`: the paths that the URL has, one a line. Null: none. */
export function usePins(scopeId: string, { url, setUrl }: { url: string | null; setUrl: (pins: string | null) => void }): Pins {
  const kept = useSyncExternalStore(
    subscribeSettings,
    () => readSetting(toKey(scopeId)) ?? "",
    () => "",
  );
  const text = url ?? kept;
  const set = useRef(setUrl);
  set.current = setUrl;
  // The address shows the same columns to others.
  useEffect(() => {
    if (url === null && kept !== "") set.current(kept);
  }, [url, kept]);
  return useMemo(() => {
    const paths = parsePins(text);
    const toggle = (path: string) => {
      const others = paths.filter((each) => each !== path);
      const next = others.length < paths.length ? others : [...others, path].slice(-PINS_MAX);
      writeSetting(toKey(scopeId), next.length === 0 ? undefined : next.join("\n"));
      set.current(next.length === 0 ? null : next.join("\n"));
    };
    return { paths, toggle };
  }, [scopeId, text]);
}

/** One path a line, which no path contains. */
function parsePins(text: string): string[] {
  return text
    .split("\n")
    .filter((path) => parsePath(path) !== undefined)
    .slice(0, PINS_MAX);
}
