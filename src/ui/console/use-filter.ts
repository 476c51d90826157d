/** The filter, kept in the address so that it can be shared and survives a reload. */
"use client";

import { debounce, parseAsString, useQueryStates } from "nuqs";
import { type EventFilter, parseFilter, toFilterQuery } from "./engine/event-filter";

const PARSERS = { q: parseAsString, op: parseAsString };

export function useFilter(): [EventFilter, (filter: EventFilter) => void] {
  const [query, setQuery] = useQueryStates(PARSERS, { history: "replace", limitUrlUpdates: debounce(300) });
  return [parseFilter(query), (filter) => void setQuery(toFilterQuery(filter))];
}
