/** The JSON paths that have a column of their own, kept in this browser for each endpoint. */
"use client";

import { useMemo, useSyncExternalStore } from "react";
import { readSetting, subscribeSettings, writeSetting } from "../../browser-settings";
import { parsePath } from "../../json/json-path";
import { PINS_MAX } from "./row-style";

const toKey = (endpointId: string) => `rested-pins-${endpointId}`;

export interface Pins {
  paths: readonly string[];
  /** Adds a column, in place of the oldest one if there are too many, or removes it. */
  toggle: (path: string) => void;
}

export function usePins(endpointId: string): Pins {
  const text = useSyncExternalStore(
    subscribeSettings,
    () => readSetting(toKey(endpointId)) ?? "",
    () => "",
  );
  return useMemo(() => {
    const paths = parsePins(text);
    const toggle = (path: string) => {
      const others = paths.filter((each) => each !== path);
      const next = others.length < paths.length ? others : [...others, path].slice(-PINS_MAX);
      writeSetting(toKey(endpointId), next.length === 0 ? undefined : next.join("\n"));
    };
    return { paths, toggle };
  }, [endpointId, text]);
}

/** One path a line, which no path contains. */
function parsePins(text: string): string[] {
  return text
    .split("\n")
    .filter((path) => parsePath(path) !== undefined)
    .slice(0, PINS_MAX);
}
