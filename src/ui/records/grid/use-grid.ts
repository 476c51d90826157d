/** The loaded rows of a query, kept up to date by a stream. Rows never move automatically. */
"use client";

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { parseCursor } from "@/src/shared/streams/cursor";
import type { GridPage, GridQuery, GridRow, ViewedAs } from "../../api/record-rows";
import { type GridPages, readPage, recordsQuery } from "../../api/records";
import type { StreamEvent } from "../../stream/stream-event";
import { applyChanges } from "../apply-changes";
import { type Changes, useChanges } from "../use-changes";

/** The maximum number of rows that are loaded by scrolling. */
export const ROWS_MAX = 20_000;

/** Enough for the changes that arrive while a page is loading. */
const RECENT_MAX = 5000;

export interface GridData {
  rows: readonly GridRow[];
  /** True while the rows of the previous query are shown. */
  stale: boolean;
  loading: boolean;
  error: Error | null;
  hasMore: boolean;
  loadingMore: boolean;
  loadMore: () => void;
  /** The number of new records that are not loaded. */
  fresh: number;
  /** True if changes were missed or cannot be shown, so that the rows can be out of date. */
  missed: boolean;
  /** Whose view the rows are. Undefined: the owner's, or it is not known yet. */
  viewedAs: ViewedAs | undefined;
  changes: Changes;
  /** Reloads the first page and drops the others. */
  reload: () => Promise<void>;
  /** Replaces the row with the same id. */
  replace: (row: GridRow) => void;
  drop: (ids: ReadonlySet<string>) => void;
}

export function useGrid(endpointId: string, query: GridQuery): GridData {
  const client = useQueryClient();
  const options = recordsQuery(endpointId, query);
  const { viewAs } = query;
  const found = useInfiniteQuery({
    ...options,
    // The rows of one view are never shown as those of another one.
    placeholderData: (previous, before) => (isSameView(before?.queryKey, endpointId, viewAs) ? previous : undefined),
  });
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage, isPlaceholderData } = found;
  const [freshIds, setFreshIds] = useState<ReadonlySet<string>>(new Set());
  const [missed, setMissed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view is read from its start
  useEffect(() => setMissed(false), [viewAs]);
  const rows = useMemo(() => data?.pages.flatMap((page) => page.rows) ?? [], [data]);

  const key = JSON.stringify(options.queryKey);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key identifies the options
  const update = useCallback(
    (change: (pages: GridPages) => GridPages) => client.setQueryData<GridPages>(options.queryKey, (pages) => pages && change(pages)),
    [client, key],
  );

  const recent = useRecent(data, update, viewAs === undefined);
  const onChanges = (events: readonly StreamEvent[]) => {
    recent.current = [...recent.current, ...events].slice(-RECENT_MAX);
    // The stream is the owner's: it has records and fields that the viewer may not read.
    if (viewAs !== undefined) {
      client.removeQueries({ queryKey: ["records", endpointId], type: "inactive" });
      return setMissed(true);
    }
    const loaded = client.getQueryData<GridPages>(options.queryKey);
    const { pages, created, deleted } = applyChanges(loaded?.pages ?? [], events);
    if (loaded && pages !== loaded.pages) update((before) => ({ ...before, pages: [...pages] }));
    // Pages of other queries are out of date now.
    client.removeQueries({ queryKey: ["records", endpointId], type: "inactive" });
    setFreshIds((ids) => {
      if (created.length === 0 && !deleted.some((id) => ids.has(id))) return ids;
      const next = new Set([...ids, ...created]);
      for (const id of deleted) next.delete(id);
      return next;
    });
  };
  const changes = useChanges({ endpointId, since: data?.pages[0]?.since, onChanges, onGap: () => setMissed(true) });

  const reload = async () => {
    const first = await readPage({ endpointId, query, cursor: null });
    setFreshIds(new Set());
    setMissed(false);
    client.setQueryData<GridPages>(options.queryKey, { pages: [first], pageParams: [null] });
  };
  const fresh = useMemo(() => {
    if (freshIds.size === 0 || viewAs !== undefined) return 0;
    const loaded = new Set(rows.map(({ id }) => id));
    return [...freshIds].filter((id) => !loaded.has(id)).length;
  }, [freshIds, rows, viewAs]);

  return {
    rows,
    stale: isPlaceholderData,
    loading: data === undefined && found.isPending,
    error: found.error,
    hasMore: hasNextPage && rows.length < ROWS_MAX,
    loadingMore: isFetchingNextPage,
    loadMore: () => {
      if (hasNextPage && !isFetchingNextPage && rows.length < ROWS_MAX) void fetchNextPage();
    },
    fresh,
    missed,
    viewedAs: data?.pages[0]?.viewedAs,
    changes,
    reload,
    replace: (row) => update((pages) => mapRows(pages, (each) => (each.id === row.id ? row : each))),
    drop: (ids) =>
      update((pages) => ({ ...pages, pages: pages.pages.map((page) => ({ ...page, rows: page.rows.filter(({ id }) => !ids.has(id)) })) })),
  };
}

/**
 * The most recent changes. A page can be older than a change that arrives while the page is loading, so later changes are applied to every page
 * that arrives.
 */
function useRecent(
  data: GridPages | undefined,
  update: (change: (pages: GridPages) => GridPages) => void,
  isApplied: boolean,
): RefObject<readonly StreamEvent[]> {
  const recent = useRef<readonly StreamEvent[]>([]);
  const seen = useRef(new WeakSet<GridPage>());
  useEffect(() => {
    const arrived = data?.pages.filter((page) => !seen.current.has(page)) ?? [];
    for (const page of arrived) seen.current.add(page);
    if (!isApplied || !arrived.some((page) => findLater(recent.current, page).length > 0)) return;
    update((before) => ({ ...before, pages: before.pages.flatMap((page) => applyChanges([page], findLater(recent.current, page)).pages) }));
  }, [data, update, isApplied]);
  return recent;
}

/** True if the pages of the key are those of the same endpoint and viewer. */
function isSameView(key: readonly unknown[] | undefined, endpointId: string, viewAs: string | undefined): boolean {
  const [, endpoint, query] = key ?? [];
  const before = typeof query === "object" && query !== null && "viewAs" in query ? query.viewAs : undefined;
  return endpoint === endpointId && before === viewAs;
}

function findLater(events: readonly StreamEvent[], { since }: GridPage): readonly StreamEvent[] {
  const readAt = parseCursor(since)?.seq ?? Number.POSITIVE_INFINITY;
  return events.filter(({ seq }) => seq > readAt);
}

function mapRows(pages: GridPages, change: (row: GridRow) => GridRow): GridPages {
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, rows: page.rows.map(change) })) };
}
