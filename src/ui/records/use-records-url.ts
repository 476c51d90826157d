/** The query and the open record, kept in the URL so that they can be shared and survive a reload. */
"use client";

import { debounce, parseAsNativeArrayOf, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { RECORD_ORDERS } from "@/src/shared/record-limits";
import { FILTERS_MAX } from "@/src/shared/streams/record-filter";
import { type GridQuery, ORDER_DEFAULT } from "../api/record-rows";

const PARSERS = {
  q: parseAsString.withDefault(""),
  filter: parseAsNativeArrayOf(parseAsString),
  sort: parseAsStringLiteral(RECORD_ORDERS).withDefault(ORDER_DEFAULT),
  record: parseAsString,
  as: parseAsString,
};

export interface RecordsUrl {
  query: GridQuery;
  setQuery: (query: GridQuery) => void;
  /** The id of the open record. */
  openId: string | undefined;
  setOpenId: (id: string | undefined) => void;
  /** Undefined: the owner's view. Closes the open record, which the viewer may not be able to read. */
  setViewAs: (viewAs: string | undefined) => void;
}

export function useRecordsUrl(): RecordsUrl {
  const [{ q, filter, sort, record, as }, set] = useQueryStates(PARSERS, { history: "replace" });
  return {
    query: { search: q, filters: filter.slice(0, FILTERS_MAX), order: sort, viewAs: as ?? undefined },
    setQuery: ({ search, filters, order }) =>
      void set({ q: search || null, filter: filters.length === 0 ? null : [...filters], sort: order }, { limitUrlUpdates: debounce(300) }),
    openId: record ?? undefined,
    setOpenId: (id) => void set({ record: id ?? null }),
    setViewAs: (viewAs) => void set({ as: viewAs ?? null, record: null }),
  };
}
