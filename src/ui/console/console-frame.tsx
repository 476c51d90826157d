/** The frame of a console: toolbar, chart, status, list, details and export. The list's place and what is below it come from the page. */
"use client";

import { type ComponentProps, lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { readSetting, writeSetting } from "../browser-settings";
import { ResizeHandle } from "../grid/resize-handle";
import type { StreamEvent } from "../stream/stream-event";
import { DetailPanel } from "./detail/detail-panel";
import { ChartPlace } from "./list/chart-place";
import { EventList } from "./list/event-list";
import { LogStatus } from "./log-status";
import { NoMatches } from "./no-matches";
import { ShortcutSheet } from "./shortcut-sheet";
import { StatusAnnouncer } from "./status-announcer";
import { Toolbar } from "./toolbar";
import type { ConsoleView } from "./use-console-view";

const DETAIL_WIDTH = { minPx: 320, maxPx: 760, startPx: 440, setting: "rested-detail-width" };

const ExportDialog = lazy(async () => ({ default: (await import("./export/export-dialog")).ExportDialog }));

interface Props {
  view: ConsoleView;
  /** Shown instead of the list. Undefined: the list. */
  empty: ReactNode;
  /** Between the toolbar and the list. */
  note?: ReactNode;
  /** Below the list. */
  below?: ReactNode;
  /** The name in the names of exported files. */
  name: string;
  /** The endpoint of a change. */
  toEndpointId: (event: StreamEvent | undefined) => string;
  detail: Pick<ComponentProps<typeof DetailPanel>, "canRestore" | "onEdit" | "onDelete">;
}

export function ConsoleFrame({ view, empty, note, below, name, toEndpointId, detail }: Props) {
  const { flush, client, list, selection, pins, filter, filterRef, applied, isFiltered, url } = view;
  const { applyFilter, clearFilter, clearRange, seek, skip, pause, setExporting, setSheet, exporting, sheet } = view;
  const [widthPx, setWidthPx] = useDetailWidth();
  return (
    <div ref={view.rootRef} className="flex h-full min-h-0 flex-col">
      <StatusAnnouncer flush={flush} />
      <Toolbar
        flush={flush}
        filter={filter}
        filterRef={filterRef}
        onFilter={applyFilter}
        onPause={() => pause(true)}
        onResume={() => pause(false)}
        onSkip={skip}
        onSeek={seek}
        onReconnect={() => client?.reconnect()}
        onExport={() => setExporting(true)}
        onSheet={() => setSheet(true)}
      />
      <ChartPlace
        chart={flush.chart}
        range={applied.range}
        spanMs={url.spanMs}
        onSpan={url.setSpanMs}
        onRange={(range) => applyFilter({ ...filter, range })}
      />
      <LogStatus
        flush={flush}
        isFiltered={isFiltered}
        dims={applied.dims}
        range={applied.range}
        onClearRange={clearRange}
        notice={view.notice}
        onStop={() => client?.stopSearch()}
        onSearch={() => client?.loadOlder()}
        onNewest={skip}
        onDims={(dims) => applyFilter({ ...filter, dims })}
      />
      {note}
      <div className="flex min-h-0 flex-1">
        <div className="flex min-w-0 flex-1 flex-col">
          {empty ??
            (flush.matched === 0 && flush.total > 0 && isFiltered && !flush.paused ? (
              <NoMatches flush={flush} onClear={clearFilter} />
            ) : (
              <EventList
                flush={flush}
                list={list}
                pins={pins.paths}
                selected={selection.selected}
                onSelect={selection.select}
                onLoadOlder={() => client?.loadOlder()}
              />
            ))}
          {below}
        </div>
        {selection.selected === undefined ? null : (
          <>
            <ResizeHandle {...DETAIL_WIDTH} widthPx={widthPx} onResize={setWidthPx} />
            <div
              data-console-detail=""
              style={{ width: widthPx }}
              className="min-h-0 max-w-[60%] shrink-0 max-lg:fixed max-lg:inset-0 max-lg:z-20 max-lg:w-full! max-lg:max-w-none"
            >
              <DetailPanel
                endpointId={toEndpointId(selection.detail?.event)}
                detail={selection.detail}
                tab={view.tab}
                onTab={view.setTab}
                filterActions={view.filterActions}
                onCopyLink={view.copyLink}
                pins={pins}
                stepVersionRef={view.stepVersionRef}
                onClose={view.close}
                {...detail}
              />
            </div>
          </>
        )}
      </div>
      <Suspense fallback={null}>
        {exporting ? (
          <ExportDialog
            open={exporting}
            onOpenChange={setExporting}
            client={client}
            endpointName={name}
            matched={flush.matched}
            isFiltered={isFiltered}
            selected={selection.selected}
          />
        ) : null}
      </Suspense>
      <ShortcutSheet open={sheet} onOpenChange={setSheet} singleKeys={view.singleKeys} />
    </div>
  );
}

function useDetailWidth(): [number, (widthPx: number) => void] {
  const [widthPx, setWidthPx] = useState(DETAIL_WIDTH.startPx);
  useEffect(() => {
    const stored = Number(readSetting(DETAIL_WIDTH.setting));
    if (stored >= DETAIL_WIDTH.minPx && stored <= DETAIL_WIDTH.maxPx) setWidthPx(stored);
  }, []);
  const change = (next: number) => {
    setWidthPx(next);
    writeSetting(DETAIL_WIDTH.setting, String(next));
  };
  return [widthPx, change];
}
